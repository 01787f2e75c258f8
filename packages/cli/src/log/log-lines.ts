import { createReadStream, existsSync } from 'node:fs'
import { noteLines, shown, UsageError } from '@countersign/fetch/internal'
import { isObject } from '@countersign/protocol/internal'

/** Longest line that is read: far longer than any record. */
const longestLine = 1_048_576

/** The latest time of a Date, milliseconds since 1970. */
const lastTime = 8.64e15

/** @throws UsageError for a file that does not exist */
export function checkFiles(files: readonly string[]): void {
  for (const file of files)
    if (file !== '-' && !existsSync(file)) throw new UsageError(`there is no file ${shown(file)}`)
}

/**
 * Reads the lines of a log, except empty ones. A line of more than 1 MiB is read as an empty one: a log without line ends must not
 * fill the memory.
 * @param file a path, `-` for standard input
 * @throws UsageError for a file that cannot be read
 */
export async function* logLines(file: string): AsyncGenerator<string> {
  let rest = ''
  let tooLong = false
  for await (const chunk of chunksOf(file)) {
    const [first = '', ...more] = chunk.split('\n')
    rest += first
    for (const next of more) {
      if (tooLong || rest.trim() !== '') yield tooLong ? '' : rest
      rest = next
      tooLong = false
    }
    if (rest.length > longestLine) {
      rest = ''
      tooLong = true
    }
  }
  if (tooLong || rest.trim() !== '') yield tooLong ? '' : rest
}

async function* chunksOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  input.setEncoding('utf8')
  try {
    for await (const chunk of input) yield String(chunk)
  } catch {
    throw new UsageError(`${shown(file)} cannot be read`)
  }
}

/** Parses a line; undefined when it is not a JSON object. */
export function recordIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The time of a record, milliseconds since 1970; 0 for an invalid one. */
export function timeOf({ time }: Readonly<Record<string, unknown>>): number {
  return typeof time === 'number' && Math.abs(time) <= lastTime ? time : 0
}

/** Notes on stderr how many lines were not records. */
export function reportSkipped(skipped: number): void {
  if (skipped > 0) noteLines(`countersign: skipped ${skipped} lines that are not JSON objects`)
}
