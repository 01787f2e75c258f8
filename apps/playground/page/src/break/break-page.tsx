import type { JSX } from 'preact'
import type { ViewProps } from '../app.js'

export function BreakPage(_: ViewProps): JSX.Element {
  return <h1>BreakPage</h1>
}
