import type { JSX } from 'preact'
import type { ViewProps } from '../app.js'

export function VisitorPage(_: ViewProps): JSX.Element {
  return <h1>VisitorPage</h1>
}
