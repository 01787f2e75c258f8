/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import { HiddenFields } from './layout.js'
import type { PageUser } from './page-user.js'

/** The user who is signed in, and a button to switch users. */
export function WhoIsSignedIn(o: {
  readonly csrf: string
  readonly returnTo: string
  readonly user: PageUser
}): JSX.Element {
  return (
    <form class="who" method="post" action="/logout">
      <HiddenFields fields={{ csrf: o.csrf, return_to: o.returnTo }} />
      <span>
        Signed in as <UserName user={o.user} />
      </span>
      <button class="link" type="submit">
        Not you? Switch user
      </button>
    </form>
  )
}

/** A user's name, and their address where both are known. */
export function UserName({ user }: { readonly user: PageUser }): JSX.Element {
  const [name, email] = [claimedText(user.claims.name ?? '', 100), claimedText(user.claims.email ?? '', 254)]
  return (
    <>
      <b>
        <bdi>{name || email || user.sub}</bdi>
      </b>
      {name === '' || email === '' ? null : (
        <>
          {' '}
          (<bdi>{email}</bdi>)
        </>
      )}
    </>
  )
}
