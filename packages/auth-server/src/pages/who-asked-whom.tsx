/** @jsxImportSource hono/jsx */
import type { Child } from 'hono/jsx'
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import type { ConsentView } from './consent-view.js'
import { shownHost } from './host-name.js'
import { Host } from './layout.js'

const longestDelegate = 80

/**
 * The chain of an exchange, from the agent that began it down to the resource that would be called next. Each step names the auth
 * server that allowed it.
 */
export function WhoAskedWhom({ view }: { readonly view: ConsentView }): JSX.Element | null {
  const { exchange, agent, resource } = view
  if (exchange === undefined) return null
  const { chain, issuer } = exchange
  const fromTop = chain.toReversed()
  return (
    <section aria-labelledby="chain">
      <h2 id="chain">Who asks whom</h2>
      <ol class="chain">
        {fromTop.map(({ agent: id, delegate }, index) => (
          <Step id={id}>
            {index === 0 ? 'began it' : <Allowed by={fromTop[index - 1]?.iss} />}
            <Part name={delegate} />
          </Step>
        ))}
        <Step id={agent.id} class="now">
          <Allowed by={fromTop.at(-1)?.iss} />, and now asks you
        </Step>
        <Step id={resource} class="next">
          is asked next, if you allow it here at {shownHost(issuer).text}
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

function Allowed({ by }: { readonly by: string | undefined }): JSX.Element {
  return <>was asked by the one above, as {by === undefined ? '' : shownHost(by).text} allowed</>
}

/** The name of a delegate is its agent's claim, so it stands in quotation marks. */
function Part({ name }: { readonly name: string | undefined }): JSX.Element | null {
  if (name === undefined) return null
  const shown = claimedText(name, longestDelegate)
  return (
    <>
      {'; the part of it that it calls “'}
      <bdi>{shown === '' ? '(a name that cannot be shown)' : shown}</bdi>”
    </>
  )
}
