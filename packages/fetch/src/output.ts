const controls = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
const controlsInLines = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

function escapeControl(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * Makes text safe for a terminal: escapes controls, which could move the cursor, set the title or type for the user (terminal
 * injection), and characters that reverse text. Line ends and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(controlsInLines, escapeControl)
}

/** Makes text safe for one line: a stranger's text must not look like a line of the command's own. */
export function onOneLine(text: string): string {
  return text.replace(controls, escapeControl)
}

/** Prints lines to standard output. */
export function printLines(text: string): void {
  console.log(printable(text))
}

/** Prints JSON to standard output, with the controls that JSON leaves unescaped escaped as well. */
export function printJson(value: unknown, indent?: number): void {
  console.log(printable(JSON.stringify(value, null, indent)))
}

/** Prints lines to standard error. */
export function noteLines(text: string): void {
  console.error(printable(text))
}

/** Where the body of a response goes. */
export interface BodyOutput {
  readonly isTTY?: boolean
  write(chunk: Uint8Array, done: (error?: Error | null) => void): unknown
}

/** The error for a body that is not safe for a terminal. */
export class ControlsInBody extends Error {
  override readonly name = 'ControlsInBody'
}

/**
 * Writes a body as it arrives. A terminal gets only text: writing stops at the first control.
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

// Line ends and tabs are the only controls that text has.
const control = /(?![\r\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u

function openTextCheck(): (chunk: Uint8Array) => void {
  // Bytes that are not UTF-8 are refused: they may be controls in the encoding of the terminal.
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
