/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import { shownHost } from './host-name.js'
import { document, HiddenFields, Host } from './layout.js'
import type { PageUser } from './page-user.js'
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
export function linkPage(view: LinkView): string {
  const { user, issuer, upstream } = view
  return document({
    title: 'Connect your accounts?',
    children: (
      <>
        <WhoIsSignedIn csrf={view.csrf} returnTo={view.returnTo} user={user} />
        <h1>Are both accounts yours?</h1>
        <ul class="accounts">
          <Account title="You have just signed in at" host={upstream.iss}>
            account <code>{claimedText(upstream.sub, longestSub)}</code>
          </Account>
          <Account title="You are signed in here, at" host={issuer}>
            as <UserName user={user} />
          </Account>
        </ul>
        <p>
          If you connect them, what is done for you at {shownHost(upstream.iss).text} can go on here in your name, each
          time with your permission. You are asked about that next.
        </p>
        <section class="care">
          <p>
            <strong>Take care:</strong> connect them only if you began this yourself and both accounts are your own.
          </p>
        </section>
        <form method="post" action={view.action}>
          <HiddenFields fields={{ csrf: view.csrf, ...view.hidden }} />
          {/* Enter presses the first button, so that is the safe one. */}
          <div class="buttons">
            <button class="button" type="submit" name="decision" value="deny">
              Do not connect
            </button>
            <button class="button solid" type="submit" name="decision" value="allow">
              Connect
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
