import type { IncomingMessage } from 'node:http'
import { constants, type Http2ServerRequest } from 'node:http2'
import type { BodyCheck } from './content-digest-stream.js'

type NodeRequest = IncomingMessage | Http2ServerRequest

/**
 * Has the body of a request that nobody has read yet pass a check as it is read, by whatever reads it. A body that does not pass
 * never comes to its end: the connection (of HTTP/2, the stream) is aborted as soon as somebody reads, who learns of it by `error`,
 * with what the check has thrown, or by `aborted`.
 * @see docs/protocol.md §3.4
 */
export function checkBody(request: NodeRequest, check: BodyCheck): void {
  const { push } = request
  let state: 'open' | 'ended' | 'failed' = 'open'
  /** @returns whether what came may go on */
  const passes = (chunk: Uint8Array | null): boolean => {
    if (state !== 'open') return state === 'ended'
    try {
      if (chunk !== null) check.update(chunk)
      else {
        check.end()
        state = 'ended'
      }
      return true
    } catch (error) {
      state = 'failed'
      whenRead(request, () => abortRequest(request, error as Error))
      return false
    }
  }
  // All that comes in goes through here, and its end does: from the parser of HTTP/1.1, from HTTP/2, from what tests inject.
  request.push = (chunk: Uint8Array | null, encoding?: BufferEncoding) =>
    passes(chunk) && push.call(request, chunk, encoding)
  const early = request.readableLength > 0 ? (request.read() as Uint8Array | null) : null
  if (early !== null) {
    request.unshift(early)
    if (!passes(early)) return
  }
  if (isWhole(request)) passes(null)
}

/** Not before: parsers take a request that is gone already for one that has no body. */
function whenRead(request: NodeRequest, act: () => void): void {
  if (request.readableFlowing === true || request.listenerCount('readable') > 0) {
    act()
    return
  }
  request.once('resume', act)
  request.on('newListener', name => {
    if (name === 'readable') act()
  })
}

/** Gives a request up, with its connection or, of HTTP/2, its stream. */
export function abortRequest(request: NodeRequest, error: Error): void {
  if (request.destroyed) return
  // An error nobody listens for would end the process.
  request.destroy(request.listenerCount('error') > 0 ? error : undefined)
  if ('stream' in request) request.stream.close(constants.NGHTTP2_CANCEL)
  else request.socket.destroy()
}

/** As much of a request as tells its end; one that a framework's test injects has no `complete`. */
interface Ending {
  readonly complete?: boolean
  readonly _readableState?: { readonly ended?: boolean }
}

/** Whether the last byte has come in. */
export function isWhole(request: NodeRequest): boolean {
  if ('stream' in request) return request.stream.readableEnded
  const { complete, _readableState } = request as Ending
  return complete ?? _readableState?.ended === true
}
