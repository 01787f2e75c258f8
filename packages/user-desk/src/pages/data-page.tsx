/** @jsxImportSource hono/jsx */
import { AccountNav } from './account-nav.js'
import { messagesOf } from './language.js'
import { document, HiddenFields } from './layout.js'
import type { Look } from './look.js'
import type { PageUser } from './page-user.js'
import { WhoIsSignedIn } from './who-is-signed-in.js'

/** What the page of {@link dataPage} shows. */
export interface DataView {
  readonly csrf: string
  readonly user: PageUser
  /** The user was verified a moment ago. */
  readonly fresh: boolean
  /** Questions that wait in the inbox. */
  readonly waiting: number
}

/** The page on which a user gets their data, or deletes their account. */
export function dataPage({ csrf, user, fresh, waiting }: DataView, look: Look): string {
  const { data } = messagesOf(look)
  return document({
    look,
    title: data.title,
    here: '/account/data',
    children: (
      <>
        <WhoIsSignedIn csrf={csrf} returnTo="/account/data" user={user} look={look} />
        <AccountNav at="/account/data" waiting={waiting} look={look} />
        <h1>{data.title}</h1>
        <section>
          <h2>{data.copy}</h2>
          <p>{data.copyHow}</p>
          <a class="button" href="/account/export" download="account.json">
            {data.download}
          </a>
        </section>
        <section>
          <h2>{data.delete}</h2>
          <p>{data.deleteHow}</p>
          {fresh ? (
            <form method="post" action="/account/delete">
              <HiddenFields fields={{ csrf }} />
              <label class="check">
                <input type="checkbox" name="sure" value="1" required /> {data.sure}
              </label>
              <button class="button danger" type="submit">
                {data.delete}
              </button>
            </form>
          ) : (
            <a class="button" href="/account/verify?return_to=%2Faccount%2Fdata">
              {data.confirm}
            </a>
          )}
        </section>
      </>
    ),
  })
}

/** The page after an account was deleted. */
export function deletedPage(look: Look): string {
  const { data } = messagesOf(look)
  return document({
    look,
    title: data.deletedTitle,
    children: (
      <>
        <h1>{data.deletedTitle}</h1>
        <p>{data.deleted}</p>
        <p class="quiet">{data.deletedNote}</p>
      </>
    ),
  })
}
