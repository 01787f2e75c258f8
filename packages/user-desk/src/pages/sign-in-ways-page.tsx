/** @jsxImportSource hono/jsx */

import type { HistoryEntry, PasskeyRow } from '@countersign/auth-server/internal'
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { CeremonyOptions } from '../passkey/ceremony-options.js'
import { AccountNav } from './account-nav.js'
import { messagesOf } from './language.js'
import { document, HiddenFields } from './layout.js'
import type { Look } from './look.js'
import type { PageUser } from './page-user.js'
import { PasskeyForm } from './passkey-form.js'
import { fill, Sentence } from './sentence.js'
import { date, dateAndTime } from './shown-time.js'
import { WhoIsSignedIn } from './who-is-signed-in.js'

/** What the page of {@link signInWaysPage} shows. Times are Unix seconds. */
export interface SignInWaysView {
  readonly csrf: string
  readonly user: PageUser
  /** Questions that wait in the inbox. */
  readonly waiting: number
  /** Absent where this auth server has no passkeys. */
  readonly passkeys?:
    | ReadonlyArray<Readonly<Pick<PasskeyRow, 'credential_id' | 'name' | 'backed_up' | 'created' | 'last_used'>>>
    | undefined
  readonly mostPasskeys: number
  /** The options of one more passkey, for a user who was verified a moment ago. */
  readonly addition?: CeremonyOptions | undefined
  readonly suggestedName: string
  readonly identities: ReadonlyArray<{
    readonly issuer: string
    readonly subject: string
    /** The provider's name. */
    readonly name: string
    readonly claims: string
    readonly last_used: number
  }>
  /** Providers whose accounts can be linked. */
  readonly linkable: ReadonlyArray<{ readonly id: string; readonly name: string }>
  readonly sessions: ReadonlyArray<{
    readonly id: string
    readonly name: string
    /** The name of the login method; undefined for a passkey. */
    readonly by: string | undefined
    readonly created: number
    readonly lastUsed: number
    readonly isThis: boolean
  }>
  readonly history: ReadonlyArray<{
    readonly at: number
    readonly what: HistoryEntry
    readonly about: string
    readonly browser: string
  }>
  /** The user was verified a moment ago. */
  readonly fresh: boolean
}

/** The view, and how it looks. */
interface Shown {
  readonly view: SignInWaysView
  readonly look: Look
}

/** The page of how a user signs in, and where. */
export function signInWaysPage(view: SignInWaysView, look: Look): string {
  const { ways } = messagesOf(look)
  return document({
    look,
    title: ways.title,
    here: '/account/sign-in',
    script: 'passkey',
    children: (
      <>
        <WhoIsSignedIn csrf={view.csrf} returnTo="/account/sign-in" user={view.user} look={look} />
        <AccountNav at="/account/sign-in" waiting={view.waiting} look={look} />
        <h1>{ways.title}</h1>
        {view.fresh ? null : (
          <p>
            <a class="button" href="/account/verify?return_to=%2Faccount%2Fsign-in">
              {ways.confirm}
            </a>
          </p>
        )}
        <Passkeys view={view} look={look} />
        <Identities view={view} look={look} />
        <Sessions view={view} look={look} />
        <History view={view} look={look} />
      </>
    ),
  })
}

function Passkeys({ view, look }: Shown): JSX.Element | null {
  const { passkeys, addition, csrf, suggestedName } = view
  const { ways, locale } = messagesOf(look)
  if (passkeys === undefined) return null
  return (
    <section aria-labelledby="passkeys">
      <h2 id="passkeys">{ways.passkeys}</h2>
      {passkeys.length === 0 ? <p>{ways.none}</p> : null}
      <ul class="rows">
        {passkeys.map(passkey => (
          <li>
            <span>
              <b>
                <bdi>{passkey.name}</bdi>
              </b>
              <small>
                {fill(ways.added, {
                  created: date(passkey.created, locale),
                  lastUsed: date(passkey.last_used, locale),
                  where: passkey.backed_up === 1 ? ways.synced : ways.oneDevice,
                })}
              </small>
            </span>
            <Remove view={view} look={look} fields={{ passkey: passkey.credential_id }} of={passkey.name} />
          </li>
        ))}
      </ul>
      {passkeys.length === 1 ? <p class="quiet">{ways.second}</p> : null}
      {addition === undefined || passkeys.length >= view.mostPasskeys ? null : (
        <PasskeyForm
          look={look}
          ceremony="create"
          action="/account/passkeys/add"
          options={addition}
          fields={{ csrf }}
          button={ways.add}
        >
          <label class="labelled">
            {ways.newName}
            <input class="text" name="name" maxlength={60} value={suggestedName} required />
          </label>
        </PasskeyForm>
      )}
    </section>
  )
}

function Identities({ view, look }: Shown): JSX.Element | null {
  const { identities, linkable, csrf, fresh } = view
  const { ways, locale } = messagesOf(look)
  if (identities.length === 0 && linkable.length === 0) return null
  return (
    <section aria-labelledby="linked">
      <h2 id="linked">{ways.linked}</h2>
      <ul class="rows">
        {identities.map(({ name, claims, issuer, subject, last_used }) => (
          <li>
            <span>
              <b>{name}</b>
              <small>
                <Sentence
                  text={ways.linkedAs}
                  parts={{ account: <bdi>{accountName(claims) ?? subject}</bdi>, lastUsed: date(last_used, locale) }}
                />
              </small>
            </span>
            <Remove view={view} look={look} fields={{ issuer, subject }} of={`${name} ${accountName(claims) ?? ''}`} />
          </li>
        ))}
      </ul>
      {fresh
        ? linkable.map(({ id, name }) => (
            <form method="post" action="/account/link">
              <HiddenFields fields={{ csrf, provider: id }} />
              <button class="button" type="submit">
                {fill(ways.link, { provider: name })}
              </button>
            </form>
          ))
        : null}
    </section>
  )
}

function accountName(claims: string): string | undefined {
  const { email, name } = JSON.parse(claims) as { readonly email?: string; readonly name?: string }
  return email ?? name
}

function Remove(
  o: Shown & { readonly fields: Readonly<Record<string, string>>; readonly of: string },
): JSX.Element | null {
  const { view, look, fields, of: name } = o
  const { ways } = messagesOf(look)
  if (!view.fresh) return null
  return (
    <form method="post" action="/account/ways/remove">
      <HiddenFields fields={{ csrf: view.csrf, ...fields }} />
      <button class="link" type="submit" aria-label={fill(ways.removeOf, { name })}>
        {ways.remove}
      </button>
    </form>
  )
}

function Sessions({ view: { sessions, csrf }, look }: Shown): JSX.Element {
  const { ways, common, locale } = messagesOf(look)
  const at = (seconds: number): string => fill(common.utc, { time: dateAndTime(seconds, locale) })
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">{ways.sessions}</h2>
      <ul class="rows">
        {sessions.map(({ id, name, by, created, lastUsed, isThis }) => {
          const browser = name === '' ? ways.unknownBrowser : name
          return (
            <li>
              <span>
                {isThis ? <Sentence text={ways.thisOne} parts={{ browser: <b>{browser}</b> }} /> : <b>{browser}</b>}
                <small>
                  {fill(ways.session, {
                    way: by ?? ways.passkey,
                    created: at(created),
                    lastUsed: at(lastUsed),
                  })}
                </small>
              </span>
              {isThis ? null : (
                <form method="post" action="/account/sessions/end">
                  <HiddenFields fields={{ csrf, session: id }} />
                  <button class="link" type="submit" aria-label={fill(ways.signOutOf, { browser })}>
                    {ways.signOut}
                  </button>
                </form>
              )}
            </li>
          )
        })}
      </ul>
      {sessions.length < 2 ? null : (
        <form method="post" action="/account/sessions/end">
          <HiddenFields fields={{ csrf }} />
          <button class="button" type="submit">
            {ways.signOutOthers}
          </button>
        </form>
      )}
    </section>
  )
}

function History({ view: { history }, look }: Shown): JSX.Element {
  const { ways, common, locale } = messagesOf(look)
  return (
    <section aria-labelledby="history">
      <h2 id="history">{ways.history}</h2>
      <ul class="rows">
        {history.map(({ at, what, about, browser }) => (
          <li>
            <span class={what === 'passkey_copied' ? 'alarm' : undefined}>
              {ways[what]}: <bdi>{about}</bdi>
              <small>
                {fill(common.utc, { time: dateAndTime(at, locale) })}
                {browser === '' ? null : `, ${browser}`}
              </small>
            </span>
          </li>
        ))}
      </ul>
      <p class="quiet">{ways.kept}</p>
    </section>
  )
}
