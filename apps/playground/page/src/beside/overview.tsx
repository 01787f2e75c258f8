import type { JSX } from 'preact'
import type { BesideOverview, BesideResult, Dimension } from '../../../src/beside/contract.js'
import type { BesideEvent } from '../../../src/beside/event.js'
import { Link } from '../router.js'
import { ColumnSummary } from './column-summary.js'
import { Totals } from './totals.js'
import type { BesideState } from './use-beside.js'
import { doingIn } from './words.js'

interface OverviewProps {
  readonly beside: BesideState
  readonly overview: BesideOverview
  readonly event: BesideEvent | undefined
}

/** The second figure: nine rows, two worlds. */
export function Overview({ beside, overview, event }: OverviewProps): JSX.Element {
  const { dimensions } = overview
  const played = overview.results.filter(({ state }) => state === 'ended').length
  return (
    <article class="beside-view">
      <header class="beside-head">
        <div>
          <h1>AAuth beside OAuth 2.1</h1>
          <p class="lead">
            The same thing happens in both worlds, on this machine, between real servers: an OAuth authorization server
            with PKCE and exact redirect URIs and two APIs behind it, and the participants of AAuth. Where one more
            specification lets OAuth do as well, that is played, too.
          </p>
        </div>
        <div class="beside-controls">
          <button
            type="button"
            class="main"
            disabled={beside.waiting.length > 0}
            onClick={() => beside.play(dimensions.map(({ name }) => name))}
          >
            {played === 0 ? 'Play all nine' : 'Play all nine again'}
          </button>
          <p role="status" class="quiet">
            {statusOf(beside, event, { played, dimensions })}
          </p>
        </div>
      </header>
      <div class="beside-worlds-head" aria-hidden="true">
        <span>OAuth 2.1</span>
        <span>and one more specification</span>
        <span>AAuth</span>
      </div>
      <ol class="beside-rows">
        {dimensions.map((dimension, index) => (
          <Row key={dimension.name} {...{ beside, dimension, event }} number={index + 1} />
        ))}
      </ol>
      <Totals results={overview.results} />
    </article>
  )
}

function statusOf(
  { waiting }: BesideState,
  event: BesideEvent | undefined,
  { played, dimensions }: { readonly played: number; readonly dimensions: readonly Dimension[] },
): string {
  if (waiting.length === 0)
    return played === 0
      ? 'About half a minute. Nothing has been sent yet.'
      : `${played} of ${dimensions.length} played.`
  const playing = dimensions.find(({ name }) => name === event?.dimension && event.state === 'playing')
  return playing === undefined ? 'Waiting …' : `${playing.title}, ${waiting.length} to go …`
}

interface RowProps {
  readonly beside: BesideState
  readonly dimension: Dimension
  readonly event: BesideEvent | undefined
  readonly number: number
}

/** One dimension: what happened in each world, side by side. */
function Row({ beside, dimension, event, number }: RowProps): JSX.Element {
  const { name, title, about, fair, columns } = dimension
  const result = beside.result(name)
  const play = result.state === 'ended' ? 'Play again' : 'Play'
  const isWaiting = beside.waiting.includes(name)
  const isPlaying = isWaiting && event?.dimension === name && event.state === 'playing'
  return (
    <li class="beside-row card" data-playing={isPlaying} id={name}>
      <header>
        <h2>
          <span class="beside-number">{number}</span>
          <Link to={`/beside/${name}`}>{title}</Link>
        </h2>
        <button type="button" disabled={isWaiting} onClick={() => beside.play([name])} aria-label={`${play}: ${title}`}>
          {play}
        </button>
      </header>
      <p>{about}</p>
      {isWaiting ? (
        <p class="beside-progress quiet" role="status">
          {isPlaying && event !== undefined ? doingIn(event) : 'Waits for its turn …'}
        </p>
      ) : null}
      {result.fault === undefined ? null : (
        <p class="wrong" role="alert">
          It could not be played to its end: {result.fault}
        </p>
      )}
      <div class="beside-worlds">
        <World {...{ dimension, result }} columns={columns.filter(({ world }) => world !== 'aauth')} />
        <World {...{ dimension, result }} columns={columns.filter(({ world }) => world === 'aauth')} />
      </div>
      <p class="beside-fair">
        <strong>To be fair:</strong> {fair}
      </p>
    </li>
  )
}

type WorldProps = Pick<Dimension, 'columns'> & { readonly dimension: Dimension; readonly result: BesideResult }

function World({ dimension, result, columns }: WorldProps): JSX.Element {
  return (
    <div class="beside-world" data-columns={columns.length}>
      {columns.map(column => (
        <ColumnSummary key={column.title} {...{ dimension, result, column }} />
      ))}
    </div>
  )
}
