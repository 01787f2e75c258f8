import type { JSX } from 'preact'
import type { BesideColumn, BesideResult, World } from '../../../src/beside/contract.js'
import { countNames } from './words.js'

const shortNames: Readonly<Record<World, string>> = {
  oauth: 'OAuth 2.1',
  'oauth-more': 'with one more',
  aauth: 'AAuth',
}

const worlds: readonly World[] = ['oauth', 'oauth-more', 'aauth']

/** The numbers of all that was played. */
export function Totals({ results }: { readonly results: readonly BesideResult[] }): JSX.Element | null {
  const played = results.filter(({ columns }) => columns.length > 0)
  if (played.length === 0) return null
  const columnsOf = (world: World): BesideColumn[] =>
    played.flatMap(({ columns }) => columns.filter(column => column.world === world))
  const sum = (world: World, read: (column: BesideColumn) => number): number =>
    columnsOf(world).reduce((total, column) => total + read(column), 0)
  return (
    <section class="beside-totals card" aria-labelledby="totals-heading">
      <h2 id="totals-heading">
        All {played.length === results.length ? 'nine' : `${played.length} that were played`} together
      </h2>
      <div class="beside-scroll">
        <table>
          <thead>
            <tr>
              <td />
              {worlds.map(world => (
                <th key={world} scope="col">
                  {shortNames[world]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <TotalRow title="rows that were played" cell={world => columnsOf(world).length} />
            <TotalRow
              title="attacks and faults that got through"
              cell={world => sum(world, ({ outcome }) => (outcome.verdict === 'broken' ? 1 : 0))}
            />
            {countNames.map(([name, , many]) => {
              const total = (world: World): number => sum(world, ({ counts }) => counts[name])
              return (
                <TotalRow
                  key={name}
                  title={many}
                  cell={total}
                  detail={world => perRow(total(world) / columnsOf(world).length)}
                />
              )
            })}
          </tbody>
        </table>
      </div>
      <p class="quiet">
        Each row is counted by itself, so what serves in many rows is counted in each. Not counted, since it is the same
        in both: that an API is told which server it trusts, callbacks to the client’s own loopback port, and tokens
        that open nothing without another entry, such as refresh tokens. Every row begins with a client or agent that
        has nothing in its cache; servers keep what they have read for a while, so that the second play takes fewer
        messages.
      </p>
    </section>
  )
}

interface TotalRowProps {
  readonly title: string
  readonly cell: (world: World) => number
  readonly detail?: (world: World) => string
}

function TotalRow({ title, cell, detail }: TotalRowProps): JSX.Element {
  return (
    <tr>
      <th scope="row">{title}</th>
      {worlds.map(world => (
        <td key={world}>
          {cell(world)}
          {detail === undefined ? null : <small>{detail(world)}</small>}
        </td>
      ))}
    </tr>
  )
}

function perRow(average: number): string {
  return Number.isFinite(average) ? ` (${average.toFixed(1)} a row)` : ''
}
