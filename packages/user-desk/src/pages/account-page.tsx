/** @jsxImportSource hono/jsx */

import type { ShownAccess, ShownNotice } from '@countersign/auth-server/internal'
import { countsPerGrant } from '@countersign/auth-server/internal'
import { explainCondition } from '@countersign/conditions'
import type { JSX } from 'hono/jsx/jsx-runtime'
import { AccountNav } from './account-nav.js'
import type { AccountView } from './account-view.js'
import { claimedText } from './claimed-text.js'
import { shownHost } from './host-name.js'
import { messagesOf } from './language.js'
import { document, HiddenFields, Host } from './layout.js'
import type { Look } from './look.js'
import type { Messages } from './messages/en.js'
import { ScopeWords } from './scope-list.js'
import { fill, Sentence } from './sentence.js'
import { date, timeOfDay } from './shown-time.js'
import { WhoIsSignedIn } from './who-is-signed-in.js'

const longestDelegate = 80
const longestPurpose = 200

/** The view, and how it looks. */
interface Shown {
  readonly view: AccountView
  readonly look: Look
}

/** The page of the agents with access: what each may do, and a way to take it back. */
export function accountPage(view: AccountView, look: Look): string {
  const { account } = messagesOf(look)
  const agents = byAgent(view.access)
  return document({
    look,
    title: account.title,
    here: view.page === 1 ? '/account' : `/account?page=${view.page}`,
    children: (
      <>
        <WhoIsSignedIn csrf={view.csrf} returnTo="/account" user={view.user} look={look} />
        <AccountNav at="/account" waiting={view.waiting} look={look} />
        <h1>{account.title}</h1>
        <Done view={view} look={look} />
        {view.narrowed === true ? (
          <p class="told" role="status">
            {messagesOf(look).limits.narrowed}
          </p>
        ) : null}
        {view.done === undefined ? null : <Notices view={view} look={look} />}
        {agents.length === 0 ? (
          <p>{account.none}</p>
        ) : (
          <>
            {agents.map(([agent, access]) => (
              <Agent agent={agent} access={access} view={view} look={look} />
            ))}
            <Pages view={view} look={look} />
            <form method="post" action="/account/take-back" class="all">
              <HiddenFields fields={{ csrf: view.csrf, what: 'all' }} />
              <button class="button" type="submit">
                {account.all}
              </button>
            </form>
          </>
        )}
        {view.done === undefined ? <Notices view={view} look={look} /> : null}
      </>
    ),
  })
}

function byAgent(access: readonly ShownAccess[]): Array<readonly [agent: string, access: readonly ShownAccess[]]> {
  return [...new Set(access.map(({ agent }) => agent))].map(agent => [agent, access.filter(one => one.agent === agent)])
}

function Done({ view: { done }, look }: Shown): JSX.Element | null {
  if (done === undefined) return null
  const { account } = messagesOf(look)
  return (
    <p class="told" role="status">
      {done === 0 ? account.nothingLeft : account.done}
    </p>
  )
}

/** What became of each resource that had to be told. */
function Notices({ view, look }: Shown): JSX.Element | null {
  const texts = messagesOf(look)
  if (view.notices.length === 0) return null
  return (
    <section aria-labelledby="notices">
      <h2 id="notices">{texts.account.notices}</h2>
      <ul class="notices">
        {view.notices.map(notice => (
          <li>
            <Sentence
              text={texts.account.noticeOf}
              parts={{ agent: <Host id={notice.agent} />, resource: <Host id={notice.resource} /> }}
            />
            <small class={notice.outcome === 'told' ? 'good' : 'open'}>{outcomeOf(notice, view, texts)}</small>
          </li>
        ))}
      </ul>
      <p class="quiet">{elsewhere(view, texts)}</p>
    </section>
  )
}

/** What another auth server gave in exchange is not known here, and ends with the token that it was given for. */
function elsewhere({ notices, now, tokenLife }: AccountView, { account, common, locale }: Messages): string {
  const ends = Math.max(...notices.map(({ created }) => created)) + tokenLife
  const time = fill(common.utc, { time: timeOfDay(ends, locale) })
  return fill(ends <= now ? account.elsewhereEnded : account.elsewhereEnds, { time })
}

function outcomeOf(
  notice: ShownNotice,
  { now, tokenLife }: AccountView,
  { account, common, locale }: Messages,
): string {
  const ends = notice.created + tokenLife
  const isOver = ends <= now
  const { status } = notice
  const at = (text: string, seconds: number): string =>
    fill(text, { time: fill(common.utc, { time: timeOfDay(seconds, locale) }), status: status ?? '' })
  if (notice.outcome === 'told') return at(account.stopped, notice.ended ?? notice.created)
  if (notice.outcome === 'no_endpoint') return at(isOver ? account.untoldEnded : account.untoldEnds, ends)
  if (status !== null) return at(isOver ? account.answeredEnded : account.answeredEnds, ends)
  return at(isOver ? account.unreachedEnded : account.unreachedEnds, ends)
}

function Agent(o: Shown & { readonly agent: string; readonly access: readonly ShownAccess[] }): JSX.Element {
  const { agent, access, view, look } = o
  const { account } = messagesOf(look)
  return (
    <section class="agent">
      <h2>
        <Host id={agent} class="host" />
      </h2>
      {access.map(one => (
        <Entry access={one} view={view} look={look} />
      ))}
      <TakeBack view={view} fields={{ agent }} words={fill(account.fromAgent, { agent: shownHost(agent).text })} />
    </section>
  )
}

function Entry({ access, view, look }: Shown & { readonly access: ShownAccess }): JSX.Element {
  const { resource, through } = access
  const { account, approvals, locale } = messagesOf(look)
  const [since, lastUsed, until] = [access.since, access.lastUsed, access.until].map(time => date(time, locale))
  return (
    <div class="entry">
      <p>
        <Sentence text={account.at} parts={{ resource: <Host id={resource} class="to" /> }} />
        <Part access={access} texts={messagesOf(look)} />
        {through === undefined ? null : <Through agents={through} texts={messagesOf(look)} />}
      </p>
      {access.rests === true ? (
        <p class="rests">
          <Sentence text={approvals.rests} parts={{ place: <a href="/account/approvals">{approvals.title}</a> }} />
        </p>
      ) : null}
      <Held access={access} view={view} look={look} />
      <Terms access={access} look={look} />
      <p class="quiet">
        <Sentence text={account.dates} parts={{ since, lastUsed, until }} />
      </p>
      <TakeBack
        view={view}
        fields={{ ...ownerOf(access), resource }}
        words={fill(account.takeBackAt, { resource: shownHost(resource).text })}
      />
      {countsPerGrant(access.conditions ?? []) ? null : (
        <p>
          <a class="link" href={limitsLink(access)}>
            {fill(messagesOf(look).limits.narrowLabel, { resource: shownHost(resource).text })}
          </a>
        </p>
      )}
    </div>
  )
}

/** What the access is for, and under which conditions its user allowed it. */
function Terms({ access, look }: { readonly access: ShownAccess; readonly look: Look }): JSX.Element | null {
  const { conditions = [], purposes = [], terms = {} } = access
  if (conditions.length + purposes.length === 0) return null
  const { limits } = messagesOf(look)
  const known = terms.purposes ?? {}
  return (
    <ul class="terms">
      {purposes.map(name => (
        <li>
          {limits.purposes}{' '}
          <bdi>{claimedText((Object.hasOwn(known, name) ? known[name] : undefined) ?? name, longestPurpose)}</bdi>
        </li>
      ))}
      {conditions.map(condition => (
        <li>
          <bdi>{explainCondition(condition, { language: look.language, words: terms })}</bdi>
        </li>
      ))}
    </ul>
  )
}

function limitsLink(access: ShownAccess): string {
  return `/account/limits?${new URLSearchParams({ ...ownerOf(access), resource: access.resource })}`
}

/** The chain of calls that the access is for, from the agent that begins it. */
function Through({ agents, texts }: { readonly agents: readonly string[]; readonly texts: Messages }): JSX.Element {
  const { account } = texts
  if (agents.length === 0) return <small>{account.forOthers}</small>
  const chain = agents.toReversed().map((id, index) => (
    <>
      {index === 0 ? null : ' → '}
      <Host id={id} />
    </>
  ))
  return (
    <small>
      <Sentence text={account.through} parts={{ chain }} />
    </small>
  )
}

function Part(o: { readonly access: ShownAccess; readonly texts: Messages }): JSX.Element | null {
  const { delegate } = o.access
  if (delegate === undefined) return null
  const { account, common } = o.texts
  const part = claimedText(delegate, longestDelegate)
  return (
    <small>
      <Sentence text={account.forPart} parts={{ part: <bdi>{part === '' ? common.unshowable : part}</bdi> }} />
    </small>
  )
}

/** The scopes of one entry. */
function Held({ access, view, look }: Shown & { readonly access: ShownAccess }): JSX.Element {
  const { resource, scope, words } = access
  const { account } = messagesOf(look)
  const labelOf = (name: string): string =>
    fill(account.takeBackScope, { scope: words[name] ?? name, resource: shownHost(resource).text })
  return (
    <ul class="held">
      {scope.map(name => (
        <li>
          <span>
            <ScopeWords scope={{ name, description: words[name] }} resource={resource} user={view.user} look={look} />
            <SaidNow name={name} access={access} look={look} />
          </span>
          {scope.length === 1 || name === 'openid' ? null : (
            <TakeBack
              view={view}
              fields={{ ...ownerOf(access), resource, scope: name }}
              words={account.takeBack}
              label={labelOf(name)}
            />
          )}
        </li>
      ))}
    </ul>
  )
}

/** What a resource says of a scope by now: the user agreed to other words, or before it was far-reaching. */
function SaidNow(o: { readonly name: string; readonly access: ShownAccess; readonly look: Look }): JSX.Element | null {
  const { resource, wordsNow = {}, grave = [] } = o.access
  const { scopes } = messagesOf(o.look)
  const host = shownHost(resource).text
  const words = Object.hasOwn(wordsNow, o.name) ? wordsNow[o.name] : undefined
  const isGrave = grave.includes(o.name)
  if (words === undefined && !isGrave) return null
  return (
    <small class={isGrave ? 'grave' : undefined}>
      {words === '' ? fill(scopes.noWords, { host }) : null}
      {words === undefined || words === '' ? null : (
        <Sentence text={scopes.nowSays} parts={{ words: <bdi>{words}</bdi> }} />
      )}
      {isGrave ? ` ${fill(scopes.nowGrave, { host })}` : null}
    </small>
  )
}

function ownerOf({ agent, delegate }: ShownAccess): Readonly<Record<string, string>> {
  return { agent, ...(delegate === undefined ? { own: '1' } : { delegate }) }
}

function TakeBack(o: {
  readonly view: AccountView
  readonly fields: Readonly<Record<string, string>>
  readonly words: string
  /** What a screen reader says, where the words alone would be ambiguous. */
  readonly label?: string
}): JSX.Element {
  return (
    <form method="post" action="/account/take-back">
      <HiddenFields fields={{ csrf: o.view.csrf, ...o.fields }} />
      <button class="link" type="submit" aria-label={o.label}>
        {o.words}
      </button>
    </form>
  )
}

function Pages({ view: { page, pages }, look }: Shown): JSX.Element | null {
  if (pages === 1) return null
  const { account } = messagesOf(look)
  return (
    <nav class="links" aria-label={account.pages}>
      {page > 1 ? <a href={`/account?page=${page - 1}`}>{account.newer}</a> : null}
      <span>{fill(account.pageOf, { page, pages })}</span>
      {page < pages ? <a href={`/account?page=${page + 1}`}>{account.older}</a> : null}
    </nav>
  )
}
