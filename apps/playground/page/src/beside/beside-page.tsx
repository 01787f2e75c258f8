import type { JSX } from 'preact'
import type { ViewProps } from '../app.js'
import './beside.css'
import { DimensionView } from './dimension-view.js'
import { Overview } from './overview.js'
import { useBeside } from './use-beside.js'

/** AAuth beside OAuth 2.1: nine dimensions, or one of them taken apart. */
export function BesidePage({ state, rest }: ViewProps): JSX.Element {
  const beside = useBeside(state)
  const { overview } = beside
  if (overview === undefined) return <p role="status">Loading …</p>
  const [name, message] = rest
  const dimension = overview.dimensions.find(known => known.name === name)
  if (dimension === undefined) return <Overview {...{ beside, overview }} event={state.beside} />
  return (
    <DimensionView
      key={dimension.name}
      {...{ state, beside, dimension }}
      dimensions={overview.dimensions}
      event={state.beside}
      message={message === undefined ? undefined : Number(message)}
    />
  )
}
