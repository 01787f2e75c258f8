import type { ServerResponse } from 'node:http'
import { framingFields, framingOf, textOf } from '@countersign/protocol/internal'

/** Header lines of the server itself, which stand unless the answer has such a line. */
export type OwnLines = ReadonlyArray<readonly [name: string, value: string]>

/** Called with each chunk of a response body as it is sent. */
export type BodyObserver = (chunk: Uint8Array) => void

/** How an answer is written. */
export interface Writing {
  readonly own?: OwnLines
  /** Seconds that a peer may stop reading before its connection is cut. */
  readonly stall: number
  readonly observe?: BodyObserver
}

/**
 * Sends a Fetch API response: every Set-Cookie on its own line, each chunk of the body as it arrives, no faster than the peer reads.
 * Its length is that of the table (`framingOf`), whatever the response says.
 * Resolves when the last byte was handed to the kernel or the peer has closed the connection.
 * @throws the error of the body's source, or for a stream that is not as long as its `Content-Length`; the connection is then cut, so
 * that no peer takes half a body for the whole, or the rest of one for the next response
 */
export async function writeResponse(response: Response, to: ServerResponse, options: Writing): Promise<void> {
  const { status, headers } = response
  const text = to.destroyed ? undefined : textOf(response)
  const bytes = text === undefined ? undefined : Buffer.byteLength(text)
  const { method = '' } = to.req
  const given = headers.get('content-length')
  const { hasBody, length } = framingOf({ method, status, given, bytes })
  for (const [name, value] of options.own ?? []) to.setHeader(name, value)
  to.statusCode = status
  const hasLatin = setHeaders(to, headers)
  if (length !== undefined) to.setHeader('content-length', length)
  if (text !== undefined && hasBody) {
    options.observe?.(Buffer.from(text))
    // Node sends a short text in one write with the head, bytes in a second write. But with a text it encodes the head as UTF-8
    // instead of Latin-1, so a head with Latin-1 characters goes with bytes.
    return text.length > pieceBytes / 4 || hasLatin
      ? sendAll(to, Buffer.from(text), options.stall)
      : finish(to, options.stall, text)
  }
  const { body } = response
  if (body === null || !hasBody || to.destroyed) {
    await body?.cancel()
    if (hasBody) to.setHeader('content-length', 0)
    return finish(to, options.stall)
  }
  to.strictContentLength = true
  const reader = body.getReader()
  const gone = (): void => void reader.cancel().catch(() => {})
  to.once('close', gone)
  try {
    await pump(reader, to, options)
  } catch (error) {
    to.destroy()
    throw error
  } finally {
    to.off('close', gone)
  }
}

/** Sets the lines of an answer, except those of its framing. @returns whether a value has characters of Latin-1 outside ASCII */
function setHeaders(to: ServerResponse, headers: Headers): boolean {
  const cookies = headers.getSetCookie()
  let hasLatin = false
  for (const [name, value] of headers) {
    if (name !== 'set-cookie' && !framingFields.has(name)) to.setHeader(name, value)
    hasLatin ||= latin.test(value)
  }
  if (cookies.length > 0) to.setHeader('set-cookie', cookies)
  return hasLatin
}

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  to: ServerResponse,
  options: Writing,
): Promise<void> {
  const opening = reader.read()
  // An event stream may send its first event late: its reader must know at once that it is open.
  if (!(await isHere(opening))) sendHead(to)
  const first = await opening
  if (first.done) return finish(to, options.stall)
  options.observe?.(first.value)
  let next = reader.read()
  // A body that is complete is sent at once with its length; the first event of a stream does not wait for a second one.
  if (await endsNow(next)) return sendAll(to, first.value, options.stall)
  // Before the first byte: only then does Node compare it with the length.
  if (!to.headersSent) to.writeHead(to.statusCode)
  await send(to, first.value, options.stall)
  for (let part = await next; !part.done && !to.destroyed; part = await next) {
    options.observe?.(part.value)
    await send(to, part.value, options.stall)
    next = reader.read()
  }
  return finish(to, options.stall)
}

/** Sends the head before there is a body. `flushHeaders` would write it as UTF-8. */
export function sendHead(to: ServerResponse): void {
  to.write('', 'latin1')
}

async function endsNow(next: Promise<ReadableStreamReadResult<Uint8Array>>): Promise<boolean> {
  return (await isHere(next)) && (await next).done
}

/** Whether the promise settles within this turn of the event loop. */
async function isHere(next: Promise<unknown>): Promise<boolean> {
  next.catch(() => {})
  const later = new Promise<boolean>(resolve => setImmediate(() => resolve(false)))
  return Promise.race([next.then(() => true), later])
}

/** Longest chunk that is written at once. */
export const pieceBytes: number = 64 * 1024
const latin = /[\x80-\xff]/

/** Sends a chunk in pieces, since only between two pieces can it be seen whether the peer still reads. */
async function send(to: ServerResponse, chunk: Uint8Array, stall: number): Promise<void> {
  for (let at = 0; at < chunk.length && !to.destroyed; at += pieceBytes) {
    if (!to.write(chunk.subarray(at, at + pieceBytes)) && !to.destroyed) await until(to, 'drain', stall)
  }
}

/** Sends a complete body with its length, the last piece together with the end. */
export async function sendAll(to: ServerResponse, body: Uint8Array, stall: number): Promise<void> {
  if (!to.headersSent) to.setHeader('content-length', body.length)
  const last = Math.max(0, body.length - pieceBytes)
  await send(to, body.subarray(0, last), stall)
  return finish(to, stall, body.subarray(last))
}

/** Ends a response, and waits until the kernel has taken all of it. */
export async function finish(to: ServerResponse, stall: number, last?: Uint8Array | string): Promise<void> {
  if (to.destroyed) return
  if (last === undefined) to.end()
  else to.end(last)
  // Mostly the kernel has taken all of it by now, and there is nothing to wait for.
  if (!isSent(to)) return untilSent(to, stall)
}

/** Whether the kernel has taken all of a response that was ended. */
export function isSent(to: ServerResponse): boolean {
  return to.writableLength === 0
}

/** Waits until the kernel has taken all of a response that was ended. */
export function untilSent(to: ServerResponse, stall: number): Promise<void> {
  return until(to, 'finish', stall)
}

/** Waits until the peer has read; a peer that reads nothing for too long is cut, so that it does not hold our buffer. */
function until(to: ServerResponse, event: 'drain' | 'finish', stall: number): Promise<void> {
  return new Promise(resolve => {
    let judged: ReturnType<typeof setImmediate> | undefined
    const timer = setTimeout(() => {
      // Timers run before pending reads: after a pause of this process the peer may have read in the meantime.
      judged = setImmediate(() => to.destroy())
    }, stall * 1000)
    const done = (): void => {
      clearTimeout(timer)
      clearImmediate(judged)
      to.off(event, done).off('close', done)
      resolve()
    }
    to.once(event, done).once('close', done)
  })
}
