/** @jsxImportSource hono/jsx */
import { messagesOf } from './language.js'
import { document, HiddenFields } from './layout.js'
import type { Look } from './look.js'
import type { PageUser } from './page-user.js'
import { Sentence } from './sentence.js'
import { UserName } from './who-is-signed-in.js'

/** The page that asks before signing out: a link from another site must not sign users out. */
export function signOutPage({ csrf, user }: { readonly csrf: string; readonly user: PageUser }, look: Look): string {
  const { signOut } = messagesOf(look)
  return document({
    look,
    title: signOut.title,
    here: '/logout',
    children: (
      <>
        <h1>{signOut.heading}</h1>
        <p>
          <Sentence text={signOut.signedInAs} parts={{ user: <UserName user={user} /> }} />
        </p>
        <form method="post" action="/logout">
          <HiddenFields fields={{ csrf }} />
          <button class="button" type="submit">
            {signOut.button}
          </button>
        </form>
      </>
    ),
  })
}

/** The page after it. */
export function signedOutPage(look: Look): string {
  const { signOut } = messagesOf(look)
  return document({
    look,
    title: signOut.doneTitle,
    here: '/logout',
    children: (
      <>
        <h1>{signOut.done}</h1>
        <p>{signOut.kept}</p>
      </>
    ),
  })
}
