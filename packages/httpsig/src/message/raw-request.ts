import type { ReceivedMessage } from './received-message.js'

/** What is wrong with text that is read as a raw HTTP message, in words for the person who gave it. */
export class RawMessageError extends Error {
  override readonly name = 'RawMessageError'
}

/** A request as text, and the assumptions made to read it. */
export interface RawRequest {
  readonly message: ReceivedMessage
  readonly notes: readonly string[]
}

const requestLine = /^(\S+) (\S+)(?: HTTP\/\d(?:\.\d)?)?$/

/** Whether text may be a raw HTTP request. */
export function looksLikeRequest(text: string): boolean {
  const line = (text.split('\n', 1)[0] ?? '').replace(/\r$/, '')
  return requestLine.test(line) && (line.includes(' HTTP/') || /^[A-Z]+ (?:\/|\*|https?:)/.test(line))
}

/** Most lines of a head; Node keeps no more either. */
const mostLines = 1000
/** Bytes that become characters at once: more would be too many arguments. */
const portion = 8192

/**
 * Bytes as text with one character for each, so that an index in the text is an index in the bytes. The bytes become arguments as they
 * are: to spread them would iterate over each, which takes eight times as long.
 */
function latin1(bytes: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += portion)
    parts.push(Reflect.apply(String.fromCharCode, undefined, bytes.subarray(at, at + portion)))
  return parts.join('')
}

/** Splits head and body at the first empty line. @throws RawMessageError for more lines than a server accepts */
export function rawParts(bytes: Uint8Array): { lines: string[]; body: Uint8Array } {
  const text = latin1(bytes)
  const end = /\r?\n\r?\n/.exec(text)
  const head = end === null ? withoutLineEnds(text) : text.slice(0, end.index)
  const lines = head.split(/\r?\n/, mostLines + 1)
  if (lines.length > mostLines) throw new RawMessageError(`the head has more than ${mostLines} lines`)
  return {
    lines,
    body: end === null ? new Uint8Array() : bytes.subarray(end.index + end[0].length),
  }
}

function withoutLineEnds(text: string): string {
  let end = text.length
  while (text[end - 1] === '\n') end -= text[end - 2] === '\r' ? 2 : 1
  return text.slice(0, end)
}

/** The name and value of a header line. @throws RawMessageError that names the line */
export function rawHeader(line: string, index: number): readonly [string, string] {
  const colon = line.indexOf(':')
  if (colon < 1 || /\s/.test(line.slice(0, colon)))
    throw new RawMessageError(
      `line ${index + 2} is not a header line: it must read "Name: value", and an empty line must end the headers`,
    )
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

/**
 * Reads a request line, header lines, an empty line and the body, with CRLF or LF.
 * @throws RawMessageError that names the wrong line
 */
export function parseRawRequest(bytes: Uint8Array): RawRequest {
  const { lines, body } = rawParts(bytes)
  const [, method, target] = requestLine.exec(lines[0] ?? '') ?? []
  if (method === undefined || target === undefined)
    throw new RawMessageError('the first line must be a request line such as "GET /events HTTP/1.1"')
  const headers = lines.slice(1).map(rawHeader)
  const value = (name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1]
  if (value('transfer-encoding') !== undefined)
    throw new RawMessageError('remove Transfer-Encoding and write the body without chunks: chunks are not decoded here')
  const { sized, notes } = sizedBody(body, value('content-length'))
  return { message: { method, target, headers, ...(sized.length > 0 && { body: sized }) }, notes }
}

function sizedBody(body: Uint8Array, length: string | undefined): { sized: Uint8Array; notes: string[] } {
  if (length !== undefined && /^\d{1,9}$/.test(length)) {
    const bytes = Number(length)
    if (body.length > bytes)
      return {
        sized: body.subarray(0, bytes),
        notes: [`the body is the ${bytes} bytes of Content-Length; ${body.length - bytes} more bytes are ignored`],
      }
    if (body.length < bytes)
      return { sized: body, notes: [`the body has ${body.length} bytes, but Content-Length is ${bytes}`] }
    return { sized: body, notes: [] }
  }
  // Editors add a line feed at the end of a file: this may be why a digest is wrong.
  const ends = body.at(-1) === 0x0a
  return {
    sized: body,
    notes: ends ? ['the body ends with a line feed; add Content-Length if the request had none there'] : [],
  }
}
