import type { Party, ShownMessage } from '../explorer/contract.js'
import { lanesOf, requestLine, rowsOf, type Step } from './rows.js'

/** A sequence as lines of text: what the page draws, for a terminal. */
export function sequenceText(messages: readonly ShownMessage[], parties: readonly Party[]): string[] {
  const names = new Map(parties.map(({ id, name }) => [id, name]))
  const lanes = lanesOf(
    messages,
    parties.map(({ id }) => id),
  )
  const width = Math.max(0, ...lanes.map(lane => (names.get(lane) ?? lane).length))
  const line = ({ number, message }: Step): string[] => {
    const { from, to, person, response, sentence, signer } = message
    const sender = (person ?? names.get(from) ?? from).padEnd(width)
    const receiver = (names.get(to) ?? to).padEnd(width)
    const asked = `${requestLine(message)}${signer === undefined ? '' : `, ${signer}`}`
    return [
      `  ${String(number).padStart(3)}  ${sender} → ${receiver}  ${response.status}  ${asked}`,
      `       ${' '.repeat(2 * width + 3)}       ${sentence}`,
    ]
  }
  return rowsOf(messages).flatMap(row =>
    row.kind === 'step'
      ? line(row.step)
      : [`       … ${row.steps.length} reads of metadata and keys: ${readers(row.steps, names)}`],
  )
}

/** Who read whose documents. */
function readers(steps: readonly Step[], names: ReadonlyMap<string, string>): string {
  const pairs = steps.map(({ message: { from, to } }) => `${names.get(from) ?? from} of ${names.get(to) ?? to}`)
  return [...new Set(pairs)].join(', ')
}
