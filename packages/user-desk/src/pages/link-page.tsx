/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import { shownHost } from './host-name.js'
import { messagesOf } from './language.js'
import { document, HiddenFields, Host } from './layout.js'
import type { Look } from './look.js'
import type { PageUser } from './page-user.js'
import { fill, Sentence } from './sentence.js'
import { UserName, WhoIsSignedIn } from './who-is-signed-in.js'

/** The facts of the page that asks whether two accounts are one person's. */
export interface LinkView {
  readonly csrf: string
  /** The path that takes the decision. */
  readonly action: string
  readonly hidden: Readonly<Record<string, string>>
  /** Where "not you?" comes back to. */
  readonly returnTo: string
  /** The account here. */
  readonly user: PageUser
  /** This auth server. */
  readonly issuer: string
  /** The account there, just proven. */
  readonly upstream: { readonly iss: string; readonly sub: string }
}

const longestSub = 120

/** The page that names both accounts and asks whether to link them. */
export function linkPage(view: LinkView, look: Look): string {
  const { common, link } = messagesOf(look)
  const { user, issuer, upstream } = view
  return document({
    look,
    title: link.title,
    here: view.returnTo,
    children: (
      <>
        <WhoIsSignedIn csrf={view.csrf} returnTo={view.returnTo} user={user} look={look} />
        <h1>{link.heading}</h1>
        <ul class="accounts">
          <Account title={link.there} host={upstream.iss}>
            <Sentence text={link.thereAs} parts={{ sub: <code>{claimedText(upstream.sub, longestSub)}</code> }} />
          </Account>
          <Account title={link.here} host={issuer}>
            <Sentence text={link.hereAs} parts={{ user: <UserName user={user} /> }} />
          </Account>
        </ul>
        <p>{fill(link.means, { host: shownHost(upstream.iss).text })}</p>
        <section class="care">
          <p>
            <strong>{common.takeCare}</strong> {link.care}
          </p>
        </section>
        <form method="post" action={view.action}>
          <HiddenFields fields={{ csrf: view.csrf, ...view.hidden }} />
          {/* Enter presses the first button, so that is the safe one. */}
          <div class="buttons">
            <button class="button" type="submit" name="decision" value="deny">
              {link.refuse}
            </button>
            <button class="button solid" type="submit" name="decision" value="allow">
              {link.allow}
            </button>
          </div>
        </form>
      </>
    ),
  })
}

function Account(o: { readonly title: string; readonly host: string; readonly children: unknown }): JSX.Element {
  return (
    <li>
      <small>{o.title}</small>
      <Host id={o.host} class="host" />
      <span>{o.children as JSX.Element}</span>
    </li>
  )
}
