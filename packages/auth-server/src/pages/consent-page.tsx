/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import type { ConsentProblem, ConsentScope, ConsentView } from './consent-view.js'
import { shownHost } from './host-name.js'
import { document, HiddenFields, Host } from './layout.js'
import { ScopeList } from './scope-list.js'
import { wordsMark } from './shown-words.js'
import { WhoAskedWhom } from './who-asked-whom.js'
import { WhoIsSignedIn } from './who-is-signed-in.js'

const longestName = 60
const longestDelegate = 80
const longestPurpose = 300

/** The page on which a user decides. Verified facts come first and large; claims stand apart and are marked. */
export function consentPage(view: ConsentView): string {
  const { agent, resource, scopes, identity } = view
  const at = shownHost(resource).text
  return document({
    title: `Allow ${shownHost(agent.id).text}?`,
    children: (
      <>
        <WhoIsSignedIn csrf={view.csrf} returnTo={view.returnTo} user={view.user} />
        <WhoAsks view={view} />
        <Warning way={view.way} />
        <Claims view={view} />
        <form method="post" action={view.action}>
          <HiddenFields fields={{ csrf: view.csrf, words: wordsMark(view), ...view.hidden }} />
          <Problem problem={view.problem} at={at} />
          <ScopeList legend={`What it could do at ${at}`} scopes={scopes} resource={resource} user={view.user} />
          <ScopeList legend="What it would learn about you" scopes={identity} resource={resource} user={view.user} />
          <Name identity={identity} />
          {/* Enter presses the first button, so that is the safe one. */}
          <div class="buttons">
            <button class="button" type="submit" name="decision" value="deny">
              Refuse
            </button>
            <button class="button solid" type="submit" name="decision" value="allow">
              Allow
            </button>
          </div>
        </form>
        <Afterwards view={view} />
      </>
    ),
  })
}

function Problem(o: { readonly problem: ConsentProblem | undefined; readonly at: string }): JSX.Element | null {
  switch (o.problem) {
    case undefined:
      return null
    case 'nothing-chosen':
      return (
        <p class="care" role="alert">
          <strong>Nothing is chosen.</strong> Choose at least one, or refuse.
        </p>
      )
    case 'words-changed':
      return (
        <p class="care" role="alert">
          <strong>Read again:</strong> {o.at} has just changed what it says here. Nothing is allowed yet.
        </p>
      )
  }
}

/** Each token holds the user's `sub`, asked for or not, so the page says so: in the list, or in this sentence. */
function Name({ identity }: { readonly identity: readonly ConsentScope[] }): JSX.Element | null {
  if (identity.some(({ name }) => name === 'openid')) return null
  return (
    <p class="quiet">
      Whatever you allow, a made-up name that stands for you goes along, to know you when you come back.
    </p>
  )
}

function WhoAsks({ view }: { readonly view: ConsentView }): JSX.Element {
  const { agent, resource, scopes } = view
  const isSignIn = agent.id === resource && scopes.length === 0
  return (
    <>
      <h1 class="asks">
        <Host id={agent.id} class="host" />{' '}
        {isSignIn ? (
          'wants to know who you are'
        ) : (
          <>
            asks for your access to <Host id={resource} class="to" />
          </>
        )}
      </h1>
      <p class="checked">
        ✓{' '}
        {isSignIn
          ? 'This address is checked: it has signed for itself. That shows who it is, not whether to trust it.'
          : 'Both addresses are checked: each has signed for itself. That shows who they are, not whether to trust them.'}
      </p>
      <WhoAskedWhom view={view} />
    </>
  )
}

/**
 * What the agent claims about itself, in one box under one heading: an impostor may claim any name and picture. Each text has an
 * element of its own, so that it cannot seem to be the page's.
 */
function Claims({ view }: { readonly view: ConsentView }): JSX.Element | null {
  const { agent, delegate, purpose = '' } = view
  const name = claimedText(agent.name ?? '', longestName)
  const words = claimedText(purpose, longestPurpose)
  const logo = agent.logo?.startsWith('data:image/') ? agent.logo : undefined
  const part = claimedText(delegate ?? '', longestDelegate)
  if (name === '' && words === '' && logo === undefined && delegate === undefined) return null
  return (
    <section class="claims" aria-labelledby="claims">
      <h2 id="claims">
        What it says about itself <span class="quiet">(nobody has checked this)</span>
      </h2>
      {logo === undefined ? null : <img src={logo} alt="" width="40" height="40" />}
      <dl>
        {name === '' ? null : <Claim term="It calls itself" words={name} />}
        {delegate === undefined ? null : (
          <Claim
            term="The part of it that gets access, such as one device"
            words={part === '' ? '(a name that cannot be shown)' : part}
          />
        )}
        {words === '' ? null : <Claim term="Why it asks" words={words} isQuotation />}
      </dl>
    </section>
  )
}

function Claim(o: { readonly term: string; readonly words: string; readonly isQuotation?: true }): JSX.Element {
  const words = <bdi>{o.words}</bdi>
  return (
    <>
      <dt>{o.term}</dt>
      <dd>{o.isQuotation ? <blockquote>{words}</blockquote> : words}</dd>
    </>
  )
}

function Warning({ way }: { readonly way: ConsentView['way'] }): JSX.Element | null {
  if (way.type === 'web') return null
  if (way.type === 'loopback') {
    return (
      <section class="care">
        <p>
          <strong>Take care:</strong> the access goes to a program on this computer. Allow it only if you have just
          started that program yourself.
        </p>
      </section>
    )
  }
  return (
    <section class="care">
      <p>
        <strong>Take care:</strong> the access goes to another device. Allow it only if the code you typed is on a
        device of your own, in front of you. If somebody sent you the code or read it to you, refuse.
      </p>
      <p>
        The device asked {askedAt(way)}
        {way.peer === undefined ? null : (
          <>
            , from the network address <code>{claimedText(way.peer, 45)}</code>
          </>
        )}
        .
      </p>
    </section>
  )
}

function askedAt({ asked, now }: { readonly asked: number; readonly now?: number }): string {
  const time = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
  const at = `on ${time.format(asked * 1000)} (UTC)`
  if (now === undefined) return at
  const minutes = Math.floor((now - asked) / 60)
  return `${minutes < 1 ? 'just now' : minutes === 1 ? '1 minute ago' : `${minutes} minutes ago`}, ${at}`
}

function Afterwards({ view }: { readonly view: ConsentView }): JSX.Element {
  const { agent, way } = view
  const links = [
    { href: agent.homepage, text: 'Website' },
    { href: agent.policy_uri, text: 'Privacy policy' },
    { href: agent.tos_uri, text: 'Terms' },
  ].filter((link): link is { href: string; text: string } => isWebUrl(link.href))
  return (
    <footer class="quiet">
      {way.type === 'web' ? (
        <p>
          Either way you then go to <Host id={new URL(way.redirect_uri).origin} />.
        </p>
      ) : null}
      {links.length === 0 ? null : (
        <p class="links">
          {links.map(({ href, text }) => (
            <a href={href} rel="noreferrer noopener nofollow" target="_blank">
              {text} at {shownHost(new URL(href).origin).text}
            </a>
          ))}
        </p>
      )}
    </footer>
  )
}

/** A link that runs script, or shows a page of its own making, is no link. */
function isWebUrl(href: string | undefined): boolean {
  return href !== undefined && URL.canParse(href) && /^https?:$/.test(new URL(href).protocol)
}
