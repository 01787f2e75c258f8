import { createReadStream, existsSync } from 'node:fs'
import { noteLines, shown, UsageError } from '@countersign/fetch'
import { isObject } from '@countersign/protocol'

/** Far more than a record has; of a longer line, nothing is kept. */
const longestLine = 1_048_576

/** Of a Date: a stranger's log may say what is none. */
const lastTime = 8.64e15

/** @throws UsageError for a file that is not there */
export function checkFiles(files: readonly string[]): void {
  for (const file of files)
    if (file !== '-' && !existsSync(file)) throw new UsageError(`there is no file ${shown(file)}`)
}

/**
 * The lines of a log, one after the other, without those that are empty; a line of more than 1 MiB comes as an empty one, so
 * that a log without line ends does not fill the memory.
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

/** A line as a record; undefined where it is none. */
export function recordIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** When a record was written, in milliseconds since 1970; 0 for what is no time. */
export function timeOf({ time }: Readonly<Record<string, unknown>>): number {
  return typeof time === 'number' && Math.abs(time) <= lastTime ? time : 0
}

/** Says on stderr how many lines were no records. */
export function reportSkipped(skipped: number): void {
  if (skipped > 0) noteLines(`countersign: ${skipped} lines were no JSON and were left out`)
}
