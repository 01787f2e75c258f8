/** @jsxImportSource hono/jsx */

import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import { document, HiddenFields, Host } from './layout.js'
import type { SignInCause } from './sign-in-cause.js'

/** What the sign-in page offers. */
export interface SignInView {
  /** Where the user is: host and port of this auth server. */
  readonly host: string
  readonly csrf: string
  /** What signing in is for, where that is known. */
  readonly cause?: SignInCause | undefined
  readonly returnTo: string
  readonly providers: ReadonlyArray<{ readonly name: string; readonly href: string }>
  readonly demoUsers: ReadonlyArray<{ readonly subject: string; readonly name?: string; readonly email?: string }>
}

/** The page on which a user chooses how to sign in. */
export function signInPage({ host, csrf, cause, returnTo, providers, demoUsers }: SignInView): string {
  return document({
    title: `Sign in to ${host}`,
    children: (
      <>
        <h1>
          Sign in to <bdi>{host}</bdi>
        </h1>
        <Cause cause={cause} />
        {providers.length === 0 ? null : (
          <ul class="choices">
            {providers.map(({ name, href }) => (
              <li>
                <a class="button" href={href}>
                  Continue with {name}
                </a>
              </li>
            ))}
          </ul>
        )}
        {demoUsers.length === 0 ? null : (
          <form method="post" action="/login/demo">
            <h2>Demo users</h2>
            <p class="quiet">For development: no password is asked.</p>
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
        )}
      </>
    ),
  })
}

function Cause({ cause }: { readonly cause: SignInCause | undefined }): JSX.Element | null {
  if (cause === undefined) return null
  if (cause === 'device')
    return <p>Sign in to connect a device: on the next page you type in the code that it shows.</p>
  const { agent, resource } = cause
  return (
    <p>
      <Host id={agent} class="to" />{' '}
      {agent === resource ? (
        'wants to know who you are.'
      ) : (
        <>
          asks for your access to <Host id={resource} class="to" />.
        </>
      )}{' '}
      You decide on the next page; signing in allows nothing yet.
    </p>
  )
}
