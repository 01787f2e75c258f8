import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Relayed } from './participant.js'
import { stallWatch } from './stall-watch.js'
import {
  type BodyObserver,
  finish,
  isSent,
  type OwnLines,
  pieceBytes,
  sendAll,
  sendHead,
  untilSent,
} from './write-response.js'

/** How an answer is written. */
export interface Relaying {
  readonly own: OwnLines
  /** Seconds that a peer may stop reading before its connection is cut. */
  readonly stall: number
  readonly observe?: BodyObserver
}

/**
 * Sends the answer of another server: each chunk as it arrives, no faster than the peer reads, and the length of a body that is whole.
 * Resolves when the last byte was handed to the kernel or the peer has closed the connection.
 * @throws the error of the body's source; the connection is then cut, so that no peer takes half a body for the whole
 */
export async function writeRelayed(
  { status, headers, body }: Relayed,
  to: ServerResponse,
  how: Relaying,
): Promise<void> {
  const begin = (length?: number): void => {
    const lines = linesOf(headers, how.own)
    if (length !== undefined && headers.get('content-length') === null) lines.push('content-length', String(length))
    to.writeHead(status, lines)
  }
  try {
    if (to.destroyed) return void body?.destroy()
    if (body === undefined) {
      begin(hasNoLength(status, to) ? undefined : 0)
      return await finish(to, how.stall)
    }
    if (body.complete && !body.destroyed) {
      const whole = readWhole(body)
      if (whole.length > 0) how.observe?.(whole)
      begin(whole.length)
      if (whole.length > pieceBytes) return await sendAll(to, whole, how.stall)
      to.end(whole)
      return isSent(to) ? undefined : await untilSent(to, how.stall)
    }
    await pump(body, to, { ...how, begin })
    return await finish(to, how.stall)
  } catch (error) {
    body?.destroy()
    to.destroy()
    throw error
  }
}

/** Whether an answer without a body has none by its status or method, so that a length would say something else. */
function hasNoLength(status: number, { req }: ServerResponse): boolean {
  return status === 204 || status === 304 || req.method === 'HEAD'
}

function linesOf(headers: Relayed['headers'], own: OwnLines): string[] {
  const lines: string[] = []
  for (const [name, value] of own) if (headers.get(name) === null) lines.push(name, value)
  for (const [name, value] of headers) lines.push(name, value)
  return lines
}

/** All that is there of a body that has come to its end. Newer versions of Node give one chunk at a time. */
function readWhole(body: IncomingMessage): Buffer {
  const chunks: Buffer[] = []
  for (let chunk: Buffer | null = body.read(); chunk !== null; chunk = body.read()) chunks.push(chunk)
  return chunks.length === 1 ? (chunks[0] ?? Buffer.of()) : Buffer.concat(chunks)
}

interface Pumping extends Relaying {
  /** Sends the head. @param length of a body that is whole */
  begin(length?: number): void
}

/** Passes chunks on until the body has ended or the peer is gone. */
function pump(body: IncomingMessage, to: ServerResponse, { begin, stall, observe }: Pumping): Promise<void> {
  return new Promise((resolve, reject) => {
    if (body.destroyed) return reject(body.errored ?? cutOff())
    const watch = stallWatch(to, stall)
    let isOver = false
    const end = (error?: unknown): void => {
      if (isOver) return
      isOver = true
      clearImmediate(late)
      watch.end()
      to.off('close', gone).off('drain', goOn)
      if (error === undefined || to.destroyed) resolve()
      else reject(error as Error)
    }
    // What an event handler throws would end the process.
    const attempt = (work: () => void): void => {
      if (isOver) return
      try {
        if (!to.destroyed) work()
      } catch (error) {
        end(error)
      }
    }
    const open = once(begin)
    // An event stream may send its first event late: its reader must know at once that it is open.
    const late = setImmediate(() => attempt(() => void (open() && sendHead(to))))
    const gone = (): void => void body.destroy()
    const goOn = (): void => {
      watch.goesOn()
      body.resume()
    }
    const pass = (chunk: Uint8Array): void => {
      observe?.(chunk)
      open(body.complete && body.readableLength === 0 ? chunk.length : undefined)
      if (to.write(chunk)) return
      body.pause()
      watch.waits()
    }
    body.on('data', (chunk: Uint8Array) => attempt(() => pass(chunk)))
    body.once('end', () => {
      attempt(() => open(0))
      end()
    })
    body.once('error', end)
    // Destroyed without an error, as where the peer is gone.
    body.once('close', () => {
      if (!isOver) end(cutOff())
    })
    to.once('close', gone).on('drain', goOn)
  })
}

/** Calls `begin` at the first call. @returns whether it was the first */
function once(begin: (length?: number) => void): (length?: number) => boolean {
  let hasBegun = false
  return length => {
    if (hasBegun) return false
    hasBegun = true
    begin(length)
    return true
  }
}

function cutOff(): Error {
  return new Error('the body was cut off')
}
