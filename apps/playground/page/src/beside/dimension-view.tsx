import type { JSX } from 'preact'
import type { BesideResult, Dimension } from '../../../src/beside/contract.js'
import type { BesideEvent } from '../../../src/beside/event.js'
import { useKnown } from '../message/use-known.js'
import { Link } from '../router.js'
import type { State } from '../store.js'
import { Verdict } from './column-summary.js'
import { Counts } from './counts.js'
import { Inventory } from './inventory.js'
import { Steps } from './steps.js'
import type { BesideState } from './use-beside.js'
import { counted, countNames, doingIn } from './words.js'

interface DimensionViewProps {
  readonly state: State
  readonly beside: BesideState
  readonly dimension: Dimension
  readonly dimensions: readonly Dimension[]
  readonly event: BesideEvent | undefined
  /** The message to open. */
  readonly message: number | undefined
}

/** One dimension, taken apart: every step of every world with its messages, and what stands in files. */
export function DimensionView(props: DimensionViewProps): JSX.Element {
  const { state, beside, dimension, dimensions, event, message } = props
  const known = useKnown(state)
  const result = beside.result(dimension.name)
  return (
    <article class="beside-view">
      <Crumbs {...{ dimension, dimensions }} />
      <Head {...{ beside, dimension, event, result }} />
      {result.fault === undefined ? null : <p class="wrong">It could not be played to its end: {result.fault}</p>}
      <div class="beside-taken-apart" data-columns={dimension.columns.length}>
        {dimension.columns.map(({ world, title }) => {
          const column = result.columns.find(played => played.title === title)
          return (
            <section key={title} class="beside-column card" data-world={world} aria-label={title}>
              <h2>{title}</h2>
              {column === undefined ? (
                <p class="quiet">Not played yet.</p>
              ) : (
                <>
                  <Verdict {...{ dimension, column }} />
                  <Counts {...{ result, column }} />
                  <Steps {...{ known }} steps={column.steps} decisive={column.outcome.message} opened={message} />
                  <Inventory {...{ column }} />
                </>
              )}
            </section>
          )
        })}
      </div>
      <Total {...{ result }} />
      <p class="beside-fair">
        <strong>To be fair:</strong> {dimension.fair}
      </p>
      <p class="beside-fair">
        Bearer tokens, codes, secrets and cookies of the OAuth world are shown without what would make them work: a
        person who sees one could use it. Tokens of AAuth are shown whole.
      </p>
    </article>
  )
}

function Crumbs({ dimension, dimensions }: Pick<DimensionViewProps, 'dimension' | 'dimensions'>): JSX.Element {
  const at = dimensions.indexOf(dimension)
  const [before, after] = [dimensions[at - 1], dimensions[at + 1]]
  return (
    <nav class="beside-crumbs" aria-label="Dimensions">
      <Link to="/beside">All nine</Link>
      {before === undefined ? null : <Link to={`/beside/${before.name}`}>← {before.title}</Link>}
      {after === undefined ? null : <Link to={`/beside/${after.name}`}>{after.title} →</Link>}
    </nav>
  )
}

type HeadProps = Pick<DimensionViewProps, 'beside' | 'dimension' | 'event'> & { readonly result: BesideResult }

function Head({ beside, dimension, event, result }: HeadProps): JSX.Element {
  const { name, title, about } = dimension
  const isWaiting = beside.waiting.includes(name)
  const isPlaying = isWaiting && event?.dimension === name && event.state === 'playing'
  const status =
    isPlaying && event !== undefined
      ? doingIn(event)
      : isWaiting
        ? 'Waits for its turn …'
        : result.state === 'ended'
          ? 'Played.'
          : 'A few seconds. Nothing has been sent yet.'
  return (
    <header class="beside-head">
      <div>
        <h1>{title}</h1>
        <p class="lead">{about}</p>
      </div>
      <div class="beside-controls">
        <button type="button" class="main" disabled={isWaiting} onClick={() => beside.play([name])}>
          {isWaiting ? 'Playing…' : result.state === 'ended' ? 'Play again' : 'Play this row'}
        </button>
        <p role="status" class="quiet">
          {status}
        </p>
      </div>
    </header>
  )
}

/** The numbers of this flow in each world, in a sentence. */
function Total({ result: { columns } }: { readonly result: BesideResult }): JSX.Element | null {
  if (columns.length === 0) return null
  const told = columns.map(
    ({ title, counts }) =>
      `${countNames.map(([count, one, many]) => counted(counts[count], one, many)).join(', ')} in ${title}`,
  )
  return <p class="beside-total">This took {told.join('; ')}.</p>
}
