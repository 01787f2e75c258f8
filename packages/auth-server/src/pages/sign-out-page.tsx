/** @jsxImportSource hono/jsx */
import { document, HiddenFields } from './layout.js'
import type { PageUser } from './page-user.js'
import { UserName } from './who-is-signed-in.js'

/** The page that asks before signing out: a link from another site must not sign users out. */
export function signOutPage({ csrf, user }: { readonly csrf: string; readonly user: PageUser }): string {
  return document({
    title: 'Sign out',
    children: (
      <>
        <h1>Sign out?</h1>
        <p>
          You are signed in as <UserName user={user} />.
        </p>
        <form method="post" action="/logout">
          <HiddenFields fields={{ csrf }} />
          <button class="button" type="submit">
            Sign out
          </button>
        </form>
      </>
    ),
  })
}

/** The page after it. */
export function signedOutPage(): string {
  return document({
    title: 'Signed out',
    children: (
      <>
        <h1>You are signed out</h1>
        <p>Agents that you have allowed something keep it. You can close this page.</p>
      </>
    ),
  })
}
