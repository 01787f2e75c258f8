import type { JSX } from 'preact'
import type { BesideColumn, BesideResult, Dimension } from '../../../src/beside/contract.js'
import { Link } from '../router.js'
import { Counts } from './counts.js'

interface ColumnSummaryProps {
  readonly dimension: Dimension
  readonly result: BesideResult
  readonly column: Dimension['columns'][number]
}

/** What came out in one world, and the numbers of it. */
export function ColumnSummary({ dimension, result, column }: ColumnSummaryProps): JSX.Element {
  const played = result.columns.find(({ title }) => title === column.title)
  return (
    <div class="beside-column" data-world={column.world}>
      <h3>{column.title}</h3>
      {played === undefined ? (
        <p class="quiet">Not played yet.</p>
      ) : (
        <>
          <Verdict {...{ dimension }} column={played} />
          <Counts {...{ result }} column={played} />
        </>
      )}
    </div>
  )
}

/** Whether it held, and what the decisive response was. */
export function Verdict(props: { readonly dimension: Dimension; readonly column: BesideColumn }): JSX.Element {
  const { dimension, column } = props
  const { verdict, sentence, message } = column.outcome
  return (
    <>
      <p class="beside-verdict" data-verdict={verdict}>
        <span aria-hidden="true">{signs[verdict]}</span> {dimension.labels[verdict]}
      </p>
      <p class="beside-sentence">
        {sentence}{' '}
        {message === undefined ? null : (
          <Link to={`/beside/${dimension.name}/${message}`} label={`See the message that decided it, ${column.title}`}>
            See the message
          </Link>
        )}
      </p>
    </>
  )
}

const signs = { held: '✓', broken: '✗', told: '•' } as const
