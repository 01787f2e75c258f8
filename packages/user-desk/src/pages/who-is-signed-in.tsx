/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import { messagesOf } from './language.js'
import { HiddenFields } from './layout.js'
import type { Look } from './look.js'
import type { PageUser } from './page-user.js'
import { Sentence } from './sentence.js'

/** The user who is signed in, and a button to switch users. */
export function WhoIsSignedIn(o: {
  readonly csrf: string
  readonly returnTo: string
  readonly user: PageUser
  readonly look: Look
}): JSX.Element {
  const { common } = messagesOf(o.look)
  return (
    <form class="who" method="post" action="/logout">
      <HiddenFields fields={{ csrf: o.csrf, return_to: o.returnTo }} />
      <span>
        <Sentence text={common.signedInAs} parts={{ user: <UserName user={o.user} /> }} />
      </span>
      <button class="link" type="submit">
        {common.switchUser}
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
