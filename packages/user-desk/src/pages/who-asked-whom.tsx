/** @jsxImportSource hono/jsx */
import type { Child } from 'hono/jsx'
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import type { ConsentView } from './consent-view.js'
import { shownHost } from './host-name.js'
import { messagesOf } from './language.js'
import { Host } from './layout.js'
import type { Look } from './look.js'
import { fill, Sentence } from './sentence.js'

const longestDelegate = 80

/**
 * The chain of an exchange, from the agent that began it down to the resource that would be called next. Each step names the auth
 * server that allowed it.
 */
export function WhoAskedWhom({
  view,
  look,
}: {
  readonly view: Pick<ConsentView, 'exchange' | 'agent' | 'resource'>
  readonly look: Look
}): JSX.Element | null {
  const { exchange, agent, resource } = view
  const texts = messagesOf(look).chain
  if (exchange === undefined) return null
  const { chain, issuer } = exchange
  const fromTop = chain.toReversed()
  const allowed = (text: string, by: string | undefined): string =>
    fill(text, { issuer: by === undefined ? '' : shownHost(by).text })
  return (
    <section aria-labelledby="chain">
      <h2 id="chain">{texts.heading}</h2>
      <ol class="chain">
        {fromTop.map(({ agent: id, delegate }, index) => (
          <Step id={id}>
            {index === 0 ? texts.began : allowed(texts.allowed, fromTop[index - 1]?.iss)}
            <Part name={delegate} look={look} />
          </Step>
        ))}
        <Step id={agent.id} class="now">
          {allowed(texts.asksNow, fromTop.at(-1)?.iss)}
        </Step>
        <Step id={resource} class="next">
          {allowed(texts.next, issuer)}
        </Step>
      </ol>
    </section>
  )
}

function Step(o: { readonly id: string; readonly class?: 'now' | 'next'; readonly children: Child }): JSX.Element {
  return (
    <li class={o.class}>
      <Host id={o.id} class="to" />
      <small>{o.children}</small>
    </li>
  )
}

/** The name of a delegate is its agent's claim, so it stands in quotation marks. */
function Part({ name, look }: { readonly name: string | undefined; readonly look: Look }): JSX.Element | null {
  if (name === undefined) return null
  const { chain, common } = messagesOf(look)
  const shown = claimedText(name, longestDelegate)
  return <Sentence text={chain.part} parts={{ part: <bdi>{shown === '' ? common.unshowable : shown}</bdi> }} />
}
