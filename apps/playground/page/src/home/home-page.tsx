import type { JSX } from 'preact'
import type { ViewProps } from '../app.js'

export function HomePage(_: ViewProps): JSX.Element {
  return <h1>HomePage</h1>
}
