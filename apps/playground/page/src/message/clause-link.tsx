import type { JSX } from 'preact'
import type { Clause } from '../../../src/analysis/analysis.js'

/** A rule of the protocol, as a link to its section. */
export function ClauseLink({ clause: { id, section, href } }: { readonly clause: Clause }): JSX.Element {
  return (
    <a class="clause" href={href} target="_blank" rel="noreferrer">
      §{section} <code>{id}</code>
    </a>
  )
}
