/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { ApprovalView } from './approval-view.js'
import { Claims } from './claims.js'
import { shownHost } from './host-name.js'
import { messagesOf } from './language.js'
import { document, HiddenFields, Host } from './layout.js'
import type { Look } from './look.js'
import { fill, Sentence } from './sentence.js'
import { Display, OperationWords } from './shown-call.js'
import { dateAndTime } from './shown-time.js'
import { WayWarning } from './way-warning.js'
import { WhoAskedWhom } from './who-asked-whom.js'
import { WhoIsSignedIn } from './who-is-signed-in.js'

interface Shown {
  readonly view: ApprovalView
  readonly look: Look
}

/** The page on which a user approves a single call. What it would do comes first; what the agent says of itself stands apart. */
export function approvalPage(view: ApprovalView, look: Look): string {
  const { approval } = messagesOf(look)
  return document({
    look,
    title: fill(approval.title, { agent: shownHost(view.agent.id).text }),
    here: view.returnTo,
    children: (
      <>
        <WhoIsSignedIn csrf={view.csrf} returnTo={view.returnTo} user={view.user} look={look} />
        <WhoAsks view={view} look={look} />
        <Call view={view} look={look} />
        <WayWarning way={view.way} look={look} />
        <Claims view={view} look={look} />
        <Answers view={view} look={look} />
        <Afterwards view={view} look={look} />
      </>
    ),
  })
}

function WhoAsks({ view, look }: Shown): JSX.Element {
  const { agent, resource } = view
  const { approval, consent } = messagesOf(look)
  return (
    <>
      <h1 class="asks">
        <Host id={agent.id} class="host" />{' '}
        <Sentence text={approval.asks} parts={{ resource: <Host id={resource} class="to" /> }} />
      </h1>
      <p class="checked">✓ {consent.checkedBoth}</p>
      <WhoAskedWhom view={view} look={look} />
    </>
  )
}

/** The operation and what is shown of the call. */
function Call({ view: { call, resource }, look }: Shown): JSX.Element {
  const { approval, scopes } = messagesOf(look)
  const at = shownHost(resource).text
  return (
    <section class={call.grave ? 'call grave' : 'call'} aria-labelledby="call">
      <h2 id="call">{fill(approval.does, { at })}</h2>
      <p class="operation">
        <OperationWords call={call} resource={resource} look={look} />
      </p>
      <Display call={call} resource={resource} look={look} />
      <p class="quiet">{fill(call.display === undefined ? approval.noMore : approval.valuesNote, { at })}</p>
      {call.grave ? (
        <p class="warning">
          <strong>{scopes.grave}</strong> {approval.graveMeans}
        </p>
      ) : null}
    </section>
  )
}

/** Three answers, and no box that remembers one. */
function Answers({ view, look }: Shown): JSX.Element {
  const { agent, resource } = view
  const { approval } = messagesOf(look)
  return (
    <form method="post" action={view.action}>
      <HiddenFields fields={{ csrf: view.csrf, ...view.hidden }} />
      {/* Enter presses the first button, so that is the safe one. */}
      <div class="buttons">
        <button class="button" type="submit" name="decision" value="deny">
          {approval.deny}
        </button>
        <button class="button solid" type="submit" name="decision" value="approve">
          {approval.approve}
        </button>
      </div>
      <p class="quiet stop">
        <button class="link" type="submit" name="decision" value="stop">
          {approval.stop}
        </button>
        <br />
        {fill(approval.stopMeans, { agent: shownHost(agent.id).text, resource: shownHost(resource).text })}
      </p>
    </form>
  )
}

/** What follows an answer. */
function Afterwards({ view: { way }, look }: Shown): JSX.Element {
  const { approval, common, consent, locale } = messagesOf(look)
  const time = (seconds: number): string => fill(common.utc, { time: dateAndTime(seconds, locale) })
  return (
    <footer class="quiet">
      <p>{approval.once}</p>
      {way.type === 'inbox' ? <p>{fill(approval.waits, { asked: time(way.asked), until: time(way.until) })}</p> : null}
      {way.type === 'web' ? (
        <p>
          <Sentence text={consent.goesTo} parts={{ to: <Host id={new URL(way.redirect_uri).origin} /> }} />
        </p>
      ) : null}
      <p>
        <Sentence
          text={approval.historyAt}
          parts={{
            account: (
              <a href="/account/approvals" target="_blank" rel="noopener">
                {look.host}/account/approvals
              </a>
            ),
          }}
        />
      </p>
    </footer>
  )
}
