import type { JSX } from 'preact'
import type { BesideColumn, BesideCounts, BesideResult } from '../../../src/beside/contract.js'
import { counted, countNames } from './words.js'

interface CountsProps {
  readonly result: BesideResult
  readonly column: BesideColumn
}

/** The numbers of a column, as bars that can be compared across the columns of a dimension. */
export function Counts({ result, column }: CountsProps): JSX.Element {
  return (
    <ul class="beside-counts">
      {countNames.map(([name, one, many]) => {
        const most = Math.max(1, ...result.columns.map(({ counts }) => counts[name]))
        return (
          <li key={name}>
            <Bar counts={column.counts} {...{ name, most }} />
            <span>
              {counted(column.counts[name], one, many)}
              <small>{detailOf(name, column.counts)}</small>
            </span>
          </li>
        )
      })}
    </ul>
  )
}

function detailOf(name: keyof BesideCounts, { discovery, sharedSecrets }: BesideCounts): string {
  if (name === 'messages' && discovery > 0) return `, ${discovery} of them metadata and keys`
  if (name === 'secrets' && sharedSecrets > 0) return `, ${sharedSecrets} of them with two holders`
  return ''
}

/** An SVG, since the page takes no style attributes. */
function Bar(props: {
  readonly counts: BesideCounts
  readonly name: keyof BesideCounts
  readonly most: number
}): JSX.Element {
  const { counts, name, most } = props
  const whole = (counts[name] / most) * 100
  const part = name === 'messages' ? counts.discovery : name === 'secrets' ? counts.sharedSecrets : 0
  const width = counts[name] === 0 ? 0 : (part / counts[name]) * whole
  return (
    <svg class="beside-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="beside-all" width={whole} height="6" />
      <rect
        class={name === 'messages' ? 'beside-cached' : 'beside-shared'}
        x={whole - width}
        width={width}
        height="6"
      />
    </svg>
  )
}
