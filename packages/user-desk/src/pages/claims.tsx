/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import type { ConsentView } from './consent-view.js'
import { messagesOf } from './language.js'
import type { Look } from './look.js'
import { Sentence } from './sentence.js'

const longestName = 60
const longestDelegate = 80
const longestPurpose = 300

/**
 * What the agent claims about itself, in one box under one heading: an impostor may claim any name and picture. Each text has an
 * element of its own, so that it cannot seem to be the page's.
 */
export function Claims({
  view,
  look,
}: {
  readonly view: Pick<ConsentView, 'agent' | 'delegate' | 'purpose'>
  readonly look: Look
}): JSX.Element | null {
  const { agent, delegate, purpose = '' } = view
  const { common, consent } = messagesOf(look)
  const name = claimedText(agent.name ?? '', longestName)
  const words = claimedText(purpose, longestPurpose)
  const logo = agent.logo?.startsWith('data:image/') ? agent.logo : undefined
  const part = claimedText(delegate ?? '', longestDelegate)
  if (name === '' && words === '' && logo === undefined && delegate === undefined) return null
  return (
    <section class="claims" aria-labelledby="claims">
      <h2 id="claims">
        <Sentence text={consent.claims} parts={{ note: <span class="quiet">{consent.claimsNote}</span> }} />
      </h2>
      {logo === undefined ? null : <img src={logo} alt="" width="40" height="40" />}
      <dl>
        {name === '' ? null : <Claim term={consent.itsName} words={name} />}
        {delegate === undefined ? null : (
          <Claim term={consent.itsPart} words={part === '' ? common.unshowable : part} />
        )}
        {words === '' ? null : <Claim term={consent.itsPurpose} words={words} isQuotation />}
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
