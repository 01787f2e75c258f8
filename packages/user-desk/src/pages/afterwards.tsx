/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { ConsentView } from './consent-view.js'
import { shownHost } from './host-name.js'
import { messagesOf } from './language.js'
import { Host } from './layout.js'
import type { Look } from './look.js'
import { fill, Sentence } from './sentence.js'

/** What follows a decision: how long access lasts, where it is taken back, and where the browser goes. */
export function Afterwards({ view, look }: { readonly view: ConsentView; readonly look: Look }): JSX.Element {
  const { way } = view
  const { consent } = messagesOf(look)
  return (
    <footer class="quiet">
      <Lasting look={look} />
      {way.type === 'web' ? (
        <p>
          <Sentence text={consent.goesTo} parts={{ to: <Host id={new URL(way.redirect_uri).origin} /> }} />
        </p>
      ) : null}
      <AgentLinks agent={view.agent} look={look} />
    </footer>
  )
}

/** How long access lasts, and where it is taken back. */
export function Lasting({ look }: { readonly look: Look }): JSX.Element {
  const account = (
    <a href="/account" target="_blank" rel="noopener">
      {look.host}/account
    </a>
  )
  return (
    <p>
      <Sentence text={messagesOf(look).consent.lasts} parts={{ account }} />
    </p>
  )
}

function AgentLinks({ agent, look }: Pick<ConsentView, 'agent'> & { readonly look: Look }): JSX.Element | null {
  const { website, policy, terms } = messagesOf(look).consent
  const links = [
    { href: agent.homepage, text: website },
    { href: agent.policy_uri, text: policy },
    { href: agent.tos_uri, text: terms },
  ].filter((link): link is { href: string; text: string } => isWebUrl(link.href))
  if (links.length === 0) return null
  return (
    <p class="links">
      {links.map(({ href, text }) => (
        <a href={href} rel="noreferrer noopener nofollow" target="_blank">
          {fill(text, { host: shownHost(new URL(href).origin).text })}
        </a>
      ))}
    </p>
  )
}

/** A link that runs script, or shows a page of its own making, is no link. */
function isWebUrl(href: string | undefined): boolean {
  return href !== undefined && URL.canParse(href) && /^https?:$/.test(new URL(href).protocol)
}
