import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Readable } from 'node:stream'

const blockSize = 4096
/** Chunks that may wait in a stream unmerged. A reader that keeps up never has more waiting, and gets the chunks as Node made them. */
const freeChunks = 64

/**
 * Bounds the memory of a body that waits to be read. Node keeps each chunk as an object, so that chunks of one byte take a hundred
 * times the memory of the body (DIG-20). From now on, chunks that arrive while others wait are merged into blocks.
 */
export function mergeChunks(request: IncomingMessage | Http2ServerRequest): void {
  mergeWaiting(request)
  // HTTP/2 has two streams: frames wait in the inner one until the request is read.
  if ('stream' in request) mergeWaiting(request.stream)
}

/** Merges the chunks that arrived before {@link mergeChunks}. Does nothing for a stream with listeners for data. */
export function mergeEarly(request: IncomingMessage | Http2ServerRequest): void {
  const streams: readonly Readable[] = 'stream' in request ? [request.stream, request] : [request]
  for (const stream of streams) {
    if (stream.listenerCount('data') + stream.listenerCount('readable') > 0 || pieces(stream) <= freeChunks) continue
    const waiting = takeWaiting(stream)
    if (waiting !== null) stream.unshift(waiting)
  }
}

/** Takes all waiting bytes: `read` returns all of them on older versions of Node, one chunk on newer ones. */
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

/** Copies a chunk that is a small part of its memory, as a frame of HTTP/2 is: it would keep all of that memory from being freed. */
function withOwnMemory(chunk: unknown): unknown {
  if (!(chunk instanceof Uint8Array) || 2 * chunk.length >= chunk.buffer.byteLength) return chunk
  const own = Buffer.allocUnsafeSlow(chunk.length)
  own.set(chunk)
  return own
}

const merging: unique symbol = Symbol('countersign.merging')

/**
 * Holds chunks back in a block while others wait in the stream. `read` moves the block into the stream before the stream runs out:
 * bytes stay in order, and no reader waits for bytes that have arrived.
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
    // With the held bytes counted, Node stops reading from the connection in time.
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
    // `read(0)` asks the stream to fetch more, and takes nothing.
    if (size === 0) return read.call(stream, size)
    if (size !== undefined && size > stream.readableLength) flush()
    const taken: unknown = read.call(stream, size)
    // On newer versions of Node `read` takes one chunk, so that a slow reader may leave most of them.
    if (taken === null || stream.readableLength === 0) waiting = 0
    else if (size === undefined && waiting > 0) waiting--
    if (stream.readableLength === 0) flush()
    return taken
  }
}
