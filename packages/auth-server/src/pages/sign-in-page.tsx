/** @jsxImportSource hono/jsx */
import { document } from './layout.js'

/** What the sign-in page offers. */
export interface SignInView {
  /** Where the user is: host and port of this auth server. */
  readonly host: string
  readonly csrf: string
  readonly returnTo: string
  readonly providers: ReadonlyArray<{ readonly name: string; readonly href: string }>
  readonly demoUsers: ReadonlyArray<{ readonly subject: string; readonly name?: string; readonly email?: string }>
}

/** The page on which a user chooses how to sign in. */
export function signInPage({ host, csrf, returnTo, providers, demoUsers }: SignInView): string {
  return document({
    title: 'Sign in',
    children: (
      <>
        <h1>Sign in</h1>
        <p>to {host}</p>
        {providers.map(({ name, href }) => (
          <p>
            <a class="button" href={href}>
              Continue with {name}
            </a>
          </p>
        ))}
        {demoUsers.map(({ subject, name, email }) => (
          <form method="post" action="/login/demo">
            <input type="hidden" name="csrf" value={csrf} />
            <input type="hidden" name="return_to" value={returnTo} />
            <button type="submit" name="subject" value={subject}>
              {name ?? subject} {email}
            </button>
          </form>
        ))}
      </>
    ),
  })
}
