import type { JSX } from 'preact'
import type { ShownMessage } from '../../../src/explorer/contract.js'
import { levelOf, type ShownLevel } from '../../../src/sequence/rows.js'

const steps: ReadonlyArray<{ readonly level: ShownLevel; readonly shows: string; readonly knows: string }> = [
  { level: 'anonymous', shows: 'nothing', knows: 'Someone called. Enough for public data, within a small limit.' },
  { level: 'pseudonymous', shows: 'a signature', knows: 'The same key came back. Nobody registered it.' },
  { level: 'identified', shows: '+ an agent token', knows: 'Which agent this is, and which of its delegates.' },
  { level: 'authorized', shows: '+ an auth token', knows: 'What it may do, and for which user.' },
]

/** The levels as a climb: each is lit while a call shows it. */
export function Climb({ shown }: { readonly shown: ShownMessage | undefined }): JSX.Element {
  const isCall = shown !== undefined && (shown.kind === 'call' || shown.kind === 'challenge')
  const now = isCall ? levelOf(shown) : undefined
  return (
    <section aria-labelledby="climb">
      <h2 id="climb">A climb of four levels</h2>
      <p class="quiet">An API asks each request for the level it needs. The agent shows that much, and no more.</p>
      <ol class="climb">
        {steps.map(({ level, shows, knows }) => (
          <li key={level} class={level === now ? 'lit' : ''}>
            <strong>{level}</strong>
            <span class="shows">{shows}</span>
            <span class="quiet">{knows}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
