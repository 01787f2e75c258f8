import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { onOneLine, printable, printLines, writeBody } from './output.js'
import type { Paint } from './paint.js'

/** Flags that say where a response is shown. */
export interface AnswerFlags {
  /** Prints the status and the headers to standard output, before the body. */
  readonly include?: boolean
  /** A file for the body. */
  readonly output?: string
  /** Prints the status and the headers to standard error. */
  readonly verbose?: boolean
}

/** Prints a response: its body goes to standard output or to a file. */
export async function showAnswer(response: Response, flags: AnswerFlags, paint: Paint): Promise<void> {
  const head = [
    `${response.status} ${onOneLine(response.statusText)}`.trimEnd(),
    ...[...response.headers].map(([name, value]) => `${name}: ${onOneLine(value)}`),
    '',
  ]
  if (flags.verbose) for (const line of head) console.error(paint('dim', printable(`< ${line}`.trimEnd())))
  if (flags.include) for (const line of head) printLines(line)
  if (flags.output === undefined || flags.output === '-') {
    await writeBody(response.body, process.stdout)
    if (process.stdout.isTTY) process.stdout.write('\n')
    return
  }
  const file = createWriteStream(flags.output)
  await once(file, 'open')
  await writeBody(response.body, file)
  file.end()
  await once(file, 'close')
}
