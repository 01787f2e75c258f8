/** @jsxImportSource hono/jsx */
import { document } from './layout.js'
import type { PageUser } from './page-user.js'

/** The page that asks before signing out: a link from elsewhere signs nobody out. */
export function signOutPage({ csrf, user }: { readonly csrf: string; readonly user: PageUser }): string {
  return document({
    title: 'Sign out',
    children: (
      <>
        <h1>Sign out?</h1>
        <p>You are signed in as {user.claims.name ?? user.claims.email ?? user.sub}.</p>
        <form method="post" action="/logout">
          <input type="hidden" name="csrf" value={csrf} />
          <button type="submit">Sign out</button>
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
        <p>Agents you have allowed keep what you allowed them.</p>
      </>
    ),
  })
}
