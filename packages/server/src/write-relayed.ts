import type { IncomingMessage, ServerResponse } from 'node:http'
import { framingFields, framingOf } from '@countersign/protocol/internal'
import type { Relayed } from './participant.js'
import { stallWatch } from './stall-watch.js'
import {
  finish,
  isSent,
  type OwnLines,
  pieceBytes,
  sendAll,
  sendHead,
  untilSent,
  type Writing,
} from './write-response.js'

/**
 * Sends the answer of another server: each chunk as it arrives, no faster than the peer reads, with the length of the table (`framingOf`).
 * Resolves when the last byte was handed to the kernel or the peer has closed the connection.
 * @throws as `writeResponse`
 */
export async function writeRelayed(
  { status, headers, body }: Relayed,
  to: ServerResponse,
  how: Writing,
): Promise<void> {
  const { method = '' } = to.req
  const given = headers.get('content-length')
  const begin = (bytes?: number): void => {
    const { length } = framingOf({ method, status, given, bytes })
    to.writeHead(status, linesOf(headers, { own: how.own ?? [], length }))
  }
  try {
    if (status < 200) throw new RangeError('an answer has a final status')
    if (to.destroyed) return void body?.destroy()
    to.strictContentLength = true
    if (body === undefined || !framingOf({ method, status, given }).hasBody) {
      body?.destroy()
      begin(0)
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

interface Head {
  readonly own: OwnLines
  readonly length: string | undefined
}

function linesOf(headers: Relayed['headers'], { own, length }: Head): string[] {
  const lines: string[] = []
  for (const [name, value] of own) if (headers.get(name) === null) lines.push(name, value)
  for (const [name, value] of headers) if (!framingFields.has(name)) lines.push(name, value)
  if (length !== undefined) lines.push('content-length', length)
  return lines
}

/** All that is there of a body that has come to its end. Newer versions of Node give one chunk at a time. */
function readWhole(body: IncomingMessage): Buffer {
  const chunks: Buffer[] = []
  for (let chunk: Buffer | null = body.read(); chunk !== null; chunk = body.read()) chunks.push(chunk)
  return chunks.length === 1 ? (chunks[0] ?? Buffer.of()) : Buffer.concat(chunks)
}

interface Pumping extends Writing {
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
