import type { JSX } from 'preact'
import type { ViewProps } from '../app.js'

export function StoriesPage(_: ViewProps): JSX.Element {
  return <h1>StoriesPage</h1>
}
