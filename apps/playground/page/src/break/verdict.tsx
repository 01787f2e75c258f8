import type { JSX } from 'preact'
import type { Verdict } from '../../../src/attacks/contract.js'

const words: Readonly<Record<Verdict, string>> = {
  held: 'Held',
  'twin refused': 'Its twin was refused, too',
  'attack passed': 'Not held',
  'refused for another reason': 'Refused for another reason',
  'not made': 'Could not be made',
}

/** What came of an attack, in a word. */
export function VerdictMark({ verdict }: { readonly verdict: Verdict }): JSX.Element {
  return (
    <span class={verdict === 'held' ? 'verdict right' : 'verdict wrong'}>
      <span aria-hidden="true">{verdict === 'held' ? '✓' : '✗'}</span> {words[verdict]}
    </span>
  )
}
