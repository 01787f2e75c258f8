/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { AccountNav } from './account-nav.js'
import type { ApprovalsView, ApprovedCall, ShownQuestion } from './approvals-view.js'
import { claimedText } from './claimed-text.js'
import { shownHost } from './host-name.js'
import { messagesOf } from './language.js'
import { document, HiddenFields, Host } from './layout.js'
import type { Look } from './look.js'
import { fill, Sentence } from './sentence.js'
import { Display, OperationWords } from './shown-call.js'
import { date, dateAndTime } from './shown-time.js'
import { WhoIsSignedIn } from './who-is-signed-in.js'

const longestDelegate = 80

interface Shown {
  readonly view: ApprovalsView
  readonly look: Look
}

/** The page of approvals: open questions, the switch of the inbox, agents that were told to stop, and what was approved. */
export function approvalsPage(view: ApprovalsView, look: Look): string {
  const { approvals } = messagesOf(look)
  return document({
    look,
    title: approvals.title,
    here: '/account/approvals',
    children: (
      <>
        <WhoIsSignedIn csrf={view.csrf} returnTo="/account/approvals" user={view.user} look={look} />
        <AccountNav at="/account/approvals" waiting={view.questions.length} look={look} />
        <h1>{approvals.title}</h1>
        {view.done === undefined ? null : (
          <p class="told" role="status">
            {approvals.done[view.done]}
          </p>
        )}
        <Questions view={view} look={look} />
        <Inbox view={view} look={look} />
        <Stops view={view} look={look} />
        <History view={view} look={look} />
      </>
    ),
  })
}

function Questions({ view: { questions }, look }: Shown): JSX.Element {
  const { approvals } = messagesOf(look)
  return (
    <section aria-labelledby="questions">
      <h2 id="questions">{approvals.open}</h2>
      {questions.length === 0 ? (
        <p class="quiet">{approvals.noneOpen}</p>
      ) : (
        <ul class="questions">
          {questions.map(question => (
            <li>
              <Question question={question} look={look} />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Question({ question, look }: { readonly question: ShownQuestion; readonly look: Look }): JSX.Element {
  const { id, agent, resource, call, until } = question
  const { approvals, common, locale } = messagesOf(look)
  const time = fill(common.utc, { time: dateAndTime(until, locale) })
  const hosts = { agent: shownHost(agent).text, resource: shownHost(resource).text }
  return (
    <>
      <p>
        <Sentence
          text={approvals.asks}
          parts={{ agent: <Host id={agent} class="to" />, resource: <Host id={resource} class="to" /> }}
        />
      </p>
      <p class="operation">
        <OperationWords call={call} resource={resource} look={look} />
      </p>
      <p class="quiet">{fill(approvals.until, { time })}</p>
      <a
        class="button"
        href={`/account/approval?${new URLSearchParams({ question: id })}`}
        aria-label={fill(approvals.answerOf, hosts)}
      >
        {approvals.answer}
      </a>
    </>
  )
}

function Inbox({ view: { csrf, inbox }, look }: Shown): JSX.Element {
  const { approvals } = messagesOf(look)
  const isOn = inbox === 'on'
  return (
    <section aria-labelledby="inbox">
      <h2 id="inbox">{approvals.inbox}</h2>
      <p>{isOn ? approvals.inboxOn : approvals.inboxOff}</p>
      <form method="post" action="/account/approvals/inbox">
        <HiddenFields fields={{ csrf, turn: isOn ? 'off' : 'on' }} />
        <button class="button" type="submit">
          {isOn ? approvals.turnOff : approvals.turnOn}
        </button>
      </form>
    </section>
  )
}

function Stops({ view: { csrf, stops }, look }: Shown): JSX.Element | null {
  const { account, approvals, locale } = messagesOf(look)
  if (stops.length === 0) return null
  return (
    <section aria-labelledby="stops">
      <h2 id="stops">{approvals.stopped}</h2>
      <p class="quiet">{approvals.stoppedMeans}</p>
      <ul class="rows">
        {stops.map(({ agent, resource, since }) => {
          const hosts = { agent: shownHost(agent).text, resource: shownHost(resource).text }
          return (
            <li>
              <span>
                <Sentence
                  text={account.noticeOf}
                  parts={{ agent: <Host id={agent} class="to" />, resource: <Host id={resource} class="to" /> }}
                />
                <small>{fill(approvals.since, { date: date(since, locale) })}</small>
              </span>
              <form method="post" action="/account/approvals/allow">
                <HiddenFields fields={{ csrf, agent, resource }} />
                <button class="link" type="submit" aria-label={fill(approvals.allowOf, hosts)}>
                  {approvals.allow}
                </button>
              </form>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function History({ view: { history }, look }: Shown): JSX.Element {
  const { approvals } = messagesOf(look)
  return (
    <section aria-labelledby="history">
      <h2 id="history">{approvals.history}</h2>
      {history.length === 0 ? (
        <p class="quiet">{approvals.noHistory}</p>
      ) : (
        <>
          <ul class="calls">
            {history.map(call => (
              <li>
                <Approved approved={call} look={look} />
              </li>
            ))}
          </ul>
          <p class="quiet">{approvals.kept}</p>
        </>
      )}
    </section>
  )
}

function Approved({ approved, look }: { readonly approved: ApprovedCall; readonly look: Look }): JSX.Element {
  const { agent, delegate, resource, call, at } = approved
  const { account, common, locale } = messagesOf(look)
  const part = claimedText(delegate ?? '', longestDelegate)
  return (
    <>
      <p class="operation">
        <OperationWords call={call} resource={resource} look={look} />
      </p>
      <Display call={call} resource={resource} look={look} />
      <p class="quiet">
        {fill(common.utc, { time: dateAndTime(at, locale) })} ·{' '}
        <Sentence text={account.noticeOf} parts={{ agent: <Host id={agent} />, resource: <Host id={resource} /> }} />
        {delegate === undefined ? null : (
          <>
            {' '}
            <Sentence text={account.forPart} parts={{ part: <bdi>{part === '' ? common.unshowable : part}</bdi> }} />
          </>
        )}
      </p>
    </>
  )
}
