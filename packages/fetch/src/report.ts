import { onOneLine } from './output.js'

/** The findings of `countersign inspect`: for people, for programs, and for the exit code. */
export interface Report {
  /** False when the inspected input is wrong. */
  readonly ok: boolean
  readonly lines: readonly string[]
  readonly json: Readonly<Record<string, unknown>>
}

const token = /ey[A-Za-z0-9_-][A-Za-z0-9_.-]{17,}/g
const longest = 400

/** Makes a stranger's text safe for a terminal: controls escaped, tokens and long texts shortened. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = onOneLine(
    text
      .slice(0, 8192)
      .replace(token, found => (found.includes('.') ? `${found.slice(0, 8)}…(${found.length} characters)` : found)),
  )
  return safe.length > longest ? `${safe.slice(0, longest)}…` : safe
}

/** Aligns rows in columns, indented by two spaces; empty cells at the end of a row take no room. */
export function table(rows: ReadonlyArray<readonly string[]>): string[] {
  const widths: number[] = []
  for (const row of rows)
    row.forEach((cell, column) => {
      // The last cell of a row is not padded, and one long value must not widen the column for all rows.
      if (column < row.length - 1) widths[column] = Math.max(widths[column] ?? 0, Math.min(cell.length, 56))
    })
  return rows.map(row => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
}

/** Describes how far a moment is from now, such as `in 5 min`. */
export function distance(seconds: number, now: number): string {
  const away = Math.abs(Math.round(seconds - now))
  const size =
    away < 120
      ? `${away} s`
      : away < 7200
        ? `${Math.round(away / 60)} min`
        : away < 172_800
          ? `${Math.round(away / 3600)} h`
          : `${Math.round(away / 86_400)} days`
  return seconds < now ? `${size} ago` : `in ${size}`
}

/** Describes a moment in Unix seconds; a value that is no moment is shown unchanged. */
export function moment(seconds: unknown, now: number): string {
  const isMoment = typeof seconds === 'number' && Math.abs(seconds) < 8_640_000_000_000
  if (!isMoment) return shown(seconds)
  return `${new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')} (${distance(seconds, now)})`
}

/**
 * What a request would do, in the words of the resource. Values of the request are quoted, and all is on one line: no value may look like
 * those words, nor like a line of this command.
 */
export function displayText(display: readonly string[]): string {
  return display.map((part, index) => onOneLine(index % 2 === 0 ? part : JSON.stringify(part))).join('')
}
