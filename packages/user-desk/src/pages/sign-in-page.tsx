/** @jsxImportSource hono/jsx */

import type { JSX } from 'hono/jsx/jsx-runtime'
import type { CeremonyOptions } from '../passkey/ceremony-options.js'
import { claimedText } from './claimed-text.js'
import { messagesOf } from './language.js'
import { document, HiddenFields, Host } from './layout.js'
import type { Look } from './look.js'
import { PasskeyForm } from './passkey-form.js'
import { fill, Sentence } from './sentence.js'
import type { SignInCause } from './sign-in-cause.js'

/** What the sign-in page offers. */
export interface SignInView {
  /** Where the user is: host and port of this auth server. */
  readonly host: string
  readonly csrf: string
  /** What signing in is for, where that is known. */
  readonly cause?: SignInCause | undefined
  readonly returnTo: string
  /** The path of this page. */
  readonly here: string
  readonly providers: ReadonlyArray<{ readonly name: string; readonly href: string }>
  /** Signing in with a passkey, where there are passkeys; `isOpen` where everyone may make an account. */
  readonly passkey?: { readonly options: CeremonyOptions; readonly isOpen: boolean } | undefined
  readonly demoUsers: ReadonlyArray<{ readonly subject: string; readonly name?: string; readonly email?: string }>
}

/** The page on which a user chooses how to sign in. */
export function signInPage(view: SignInView, look: Look): string {
  const { host, csrf, cause, returnTo, here, providers, passkey, demoUsers } = view
  const { signIn } = messagesOf(look)
  const query = new URLSearchParams({ return_to: returnTo })
  return document({
    look,
    title: fill(signIn.title, { host }),
    here,
    script: passkey && 'passkey',
    children: (
      <>
        <h1>
          <Sentence text={signIn.title} parts={{ host: <bdi>{host}</bdi> }} />
        </h1>
        <Cause cause={cause} look={look} />
        {passkey === undefined ? null : (
          <PasskeyForm
            look={look}
            ceremony="get"
            action="/login/passkey"
            options={passkey.options}
            fields={{ csrf, return_to: returnTo }}
            button={signIn.passkey}
          />
        )}
        {providers.length === 0 ? null : (
          <ul class="choices">
            {providers.map(({ name, href }) => (
              <li>
                <a class="button" href={href}>
                  {fill(signIn.continueWith, { provider: name })}
                </a>
              </li>
            ))}
          </ul>
        )}
        {demoUsers.length === 0 ? null : <DemoUsers view={view} look={look} />}
        {passkey?.isOpen === true ? (
          <p>
            <Sentence
              text={signIn.newHere}
              parts={{ link: <a href={`/account/new?${query}`}>{signIn.makeAccount}</a> }}
            />
          </p>
        ) : null}
      </>
    ),
  })
}

function DemoUsers({ view, look }: { readonly view: SignInView; readonly look: Look }): JSX.Element {
  const { csrf, returnTo, demoUsers } = view
  const { signIn } = messagesOf(look)
  return (
    <form method="post" action="/login/demo">
      <h2>{signIn.demoUsers}</h2>
      <p class="quiet">{signIn.demoNote}</p>
      <HiddenFields fields={{ csrf, return_to: returnTo }} />
      <ul class="choices">
        {demoUsers.map(({ subject, name, email }) => (
          <li>
            <button class="button" type="submit" name="subject" value={subject}>
              {claimedText(name ?? subject, 100)}
              {email === undefined ? null : <small>{email}</small>}
            </button>
          </li>
        ))}
      </ul>
    </form>
  )
}

function Cause(o: { readonly cause: SignInCause | undefined; readonly look: Look }): JSX.Element | null {
  const { cause } = o
  const { signIn } = messagesOf(o.look)
  if (cause === undefined) return null
  if (cause === 'device') return <p>{signIn.device}</p>
  const { agent, resource } = cause
  const parts = { agent: <Host id={agent} class="to" />, resource: <Host id={resource} class="to" /> }
  return (
    <p>
      <Sentence text={agent === resource ? signIn.whoYouAre : signIn.access} parts={parts} /> {signIn.nothingYet}
    </p>
  )
}
