import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { onOneLine, printable, printLines, writeBody } from './output.js'
import type { Paint } from './paint.js'

/** Where and how an answer is shown. */
export interface AnswerFlags {
  /** The status and the headers on standard output, before the body. */
  readonly include?: boolean
  /** A file for the body. */
  readonly output?: string
  /** The status and the headers on standard error. */
  readonly verbose?: boolean
}

/** Shows an answer: its body on standard output or in a file. */
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
