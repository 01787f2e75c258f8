const controls = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
const controlsInLines = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

function escapeControl(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * Text as a terminal may get it: controls, which could move its cursor, set its title or type for its user, and what turns text
 * around, are escaped. Line ends and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(controlsInLines, escapeControl)
}

/** The same within one line: a text of a stranger's must not look like a line of the command's own. */
export function onOneLine(text: string): string {
  return text.replace(controls, escapeControl)
}

/** Prints lines on standard output. */
export function printLines(text: string): void {
  console.log(printable(text))
}

/** Prints JSON on standard output; what JSON leaves as it is and a terminal does not is escaped, too. */
export function printJson(value: unknown, indent?: number): void {
  console.log(printable(JSON.stringify(value, null, indent)))
}

/** Prints lines on standard error: all but what the command was asked for. */
export function noteLines(text: string): void {
  console.error(printable(text))
}

/** Where the body of an answer goes. */
export interface BodyOutput {
  readonly isTTY?: boolean
  write(chunk: Uint8Array, done: (error?: Error | null) => void): unknown
}

/** A body that a terminal must not get. */
export class ControlsInBody extends Error {
  override readonly name = 'ControlsInBody'
}

/**
 * Writes a body as it comes. To a terminal only while it is text: with the first control in it nothing more is written.
 * @throws ControlsInBody
 */
export async function writeBody(body: ReadableStream<Uint8Array> | null, output: BodyOutput): Promise<void> {
  const check = output.isTTY === true ? openTextCheck() : undefined
  const write = (chunk: Uint8Array): Promise<void> =>
    new Promise((done, failed) => output.write(chunk, error => (error ? failed(error) : done())))
  await body?.pipeTo(
    new WritableStream({
      write(chunk) {
        check?.(chunk)
        return write(chunk)
      },
    }),
  )
}

// Of controls a text has line ends and tabs.
const control = /(?![\r\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u

function openTextCheck(): (chunk: Uint8Array) => void {
  // What is not UTF-8 is no text, and its bytes may be controls to a terminal of another encoding.
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return chunk => {
    let text: string | undefined
    try {
      text = decoder.decode(chunk, { stream: true })
    } catch {
      // Refused below.
    }
    if (text === undefined || control.test(text))
      throw new ControlsInBody('the body is no plain text and could change what this terminal does: pipe it, or > FILE')
  }
}
