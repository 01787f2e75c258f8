import type { JSX } from 'preact'
import type { ViewProps } from '../app.js'

export function BesidePage(_: ViewProps): JSX.Element {
  return <h1>BesidePage</h1>
}
