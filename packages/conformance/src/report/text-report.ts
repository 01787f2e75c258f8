import type { CaseResult, Step } from '../case/verdict.js'
import { levelLine } from './levels.js'
import { conforms, type Outcome } from './outcome.js'

const marks = { passed: 'ok', failed: 'FAILED', warning: 'warning', skipped: 'skipped', 'not applicable': '-' } as const

/** One line for a result, while the suite runs. */
export function resultLine({ id, verdict, title, reason }: CaseResult): string {
  const line = `${marks[verdict].padEnd(8)} ${id.padEnd(32)} ${title}`
  return reason === undefined ? line : `${line}\n${' '.repeat(9)}${printable(reason)}`
}

/** The bytes of every step that went wrong, and the counts. */
export function textReport(outcome: Outcome): string {
  const { results, counts, levels, expected, stale, milliseconds } = outcome
  const failed = results.filter(({ verdict }) => verdict === 'failed')
  const counted = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`)
  return [
    ...failed.map(failureText),
    ...(expected.length === 0 ? [] : [`expected to fail, and failed: ${expected.join(', ')}`]),
    ...(stale.length === 0 ? [] : [`expected to fail, and did not: ${stale.join(', ')}`]),
    `${counted.join(', ')}; ${(milliseconds / 1000).toFixed(1)} s; seed ${outcome.seed}`,
    ...levels.map(levelLine),
    conforms(outcome) ? 'conforms' : 'does not conform',
    '',
  ].join('\n')
}

/** A failed case with the bytes of all that went wrong. */
export function failureText({ id, title, reason, steps }: CaseResult): string {
  const wrong = steps.filter(({ ok }) => !ok)
  return [`--- ${id}: ${title}`, printable(reason ?? ''), ...wrong.flatMap(stepText), ''].join('\n')
}

function stepText({ title, detail, exchange }: Step): string[] {
  const said = [`* ${title}`, ...(detail === undefined ? [] : [`  ${printable(detail)}`])]
  if (exchange === undefined) return said
  return [...said, ...quoted('> ', exchange.sent), ...quoted('< ', exchange.received)]
}

/** Text of more bytes is cut: `checks.json` and the page have all of them. */
const longest = 4000

function quoted(mark: string, bytes: Buffer): string[] {
  const text = printable(bytes.subarray(0, longest).toString('latin1'))
  const cut = bytes.length > longest ? [`${mark}… ${bytes.length - longest} bytes more`] : []
  return [...text.split('\n').map(line => mark + line), ...cut]
}

/** Bytes as text that a terminal shows and does not obey. Line ends of HTTP become line ends. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/[^\n\x20-\x7e]/g, byte => `\\x${(byte.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`)
}
