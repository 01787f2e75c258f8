import type { JSX } from 'preact'
import type { ViewProps } from '../app.js'

export function PastePage(_: ViewProps): JSX.Element {
  return <h1>PastePage</h1>
}
