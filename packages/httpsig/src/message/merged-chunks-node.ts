import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Readable } from 'node:stream'

const blockSize = 4096
/** Chunks that may wait in a stream as they came. A reader that keeps up never has more, and sees what Node alone would show it. */
const freeChunks = 64

/**
 * Bounds the memory of a body that waits to be read. Node keeps each chunk as an object of its own, so that chunks of one byte
 * cost a hundred times what was sent (DIG-20): from now on, those that come while others wait are merged into blocks.
 */
export function mergeChunks(request: IncomingMessage | Http2ServerRequest): void {
  mergeWaiting(request)
  // HTTP/2 has two streams, one behind the other: frames wait in the first until the request is read.
  if ('stream' in request) mergeWaiting(request.stream)
}

/** Merges the chunks that came before {@link mergeChunks}. To be called while nobody listens for data. */
export function mergeEarly(request: IncomingMessage | Http2ServerRequest): void {
  const streams: readonly Readable[] = 'stream' in request ? [request.stream, request] : [request]
  for (const stream of streams) {
    if (stream.listenerCount('data') + stream.listenerCount('readable') > 0 || pieces(stream) <= freeChunks) continue
    const waiting = takeWaiting(stream)
    if (waiting !== null) stream.unshift(waiting)
  }
}

/** All bytes that wait in a stream: `read` gives all of them on older versions of Node, one chunk on newer ones. */
export function takeWaiting(stream: Readable): Uint8Array | null {
  const chunks: Uint8Array[] = []
  while (stream.readableLength > 0) {
    const chunk: Uint8Array | null = stream.read()
    if (chunk === null) break
    chunks.push(chunk)
  }
  return chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? null)
}

interface State {
  readonly _readableState?: { readonly buffer?: { readonly length: number } }
}

function pieces(stream: Readable): number {
  return (stream as State)._readableState?.buffer?.length ?? 0
}

/** A small chunk may be part of much memory, as a frame of HTTP/2 of all that was read with it, which it would keep from being freed. */
function withOwnMemory(chunk: unknown): unknown {
  if (!(chunk instanceof Uint8Array) || 2 * chunk.length >= chunk.buffer.byteLength) return chunk
  const own = Buffer.allocUnsafeSlow(chunk.length)
  own.set(chunk)
  return own
}

const merging: unique symbol = Symbol('countersign.merging')

/**
 * Holds chunks back only while others wait before them. Nobody takes those but by `read`, which adds what is held as soon as it
 * would find too little: so nothing overtakes, and no reader waits for what is here already.
 */
function mergeWaiting(stream: Readable & { [merging]?: true }): void {
  if (stream[merging]) return
  stream[merging] = true
  const { push, read } = stream
  let waiting = 0
  let block = Buffer.alloc(0)
  let used = 0
  const flush = (): void => {
    if (used === 0) return
    const held = withOwnMemory(block.subarray(0, used))
    block = Buffer.alloc(0)
    used = 0
    waiting++
    push.call(stream, held)
  }
  const hold = (chunk: Uint8Array): boolean => {
    if (used + chunk.length > block.length) {
      flush()
      block = Buffer.allocUnsafeSlow(blockSize)
    }
    block.set(chunk, used)
    used += chunk.length
    // Node stops reading from the connection as if the stream had them.
    return stream.readableLength + used < stream.readableHighWaterMark
  }
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    const isLate = stream.readableLength > 0 && (used > 0 || waiting >= freeChunks)
    if (isLate && chunk instanceof Uint8Array && chunk.length < blockSize) return hold(chunk)
    flush()
    const wantsMore = push.call(stream, stream.readableFlowing ? chunk : withOwnMemory(chunk), encoding)
    waiting = stream.readableLength > 0 ? waiting + 1 : 0
    return wantsMore
  }
  stream.read = size => {
    // By 0 it is asked to fetch more, and takes nothing.
    if (size === 0) return read.call(stream, size)
    if (size !== undefined && size > stream.readableLength) flush()
    const taken: unknown = read.call(stream, size)
    // Newer versions of Node take one chunk at a time, so that a slow reader may leave as many as before.
    if (taken === null || stream.readableLength === 0) waiting = 0
    else if (size === undefined && waiting > 0) waiting--
    if (stream.readableLength === 0) flush()
    return taken
  }
}
