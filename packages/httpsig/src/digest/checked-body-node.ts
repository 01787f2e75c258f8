import type { IncomingMessage } from 'node:http'
import { constants, type Http2ServerRequest } from 'node:http2'
import { HttpSigError } from '../error.js'
import { takeWaiting } from '../message/merged-chunks-node.js'
import type { BodyCheck } from './content-digest-stream.js'

type NodeRequest = IncomingMessage | Http2ServerRequest

/**
 * Has the body of a request that nobody has read yet pass a check as it is read, by whatever reads it. A body that does not pass
 * never comes to its end: the connection (of HTTP/2, the stream) is aborted as soon as somebody reads, who learns of it by `error`,
 * with what the check has thrown, or by `aborted`.
 * @throws what the check throws of what has come in already: nobody has read it, and nobody must
 * @throws HttpSigError `invalid_request` for a request that was cut off
 * @see docs/protocol.md §3.4
 */
export function checkBody(request: NodeRequest, check: BodyCheck): void {
  const { push, _read: read } = request
  let state: 'open' | 'ended' | 'failed' = 'open'
  // HTTP/2 drops the body of whoever is answered before somebody asks for it, and ends it all the same.
  let isAskedFor = !('stream' in request)
  const step = (chunk: Uint8Array | null): void => {
    if (chunk !== null) {
      check.update(chunk)
      return
    }
    if (!isAskedFor || isCutOff(request)) throw new HttpSigError('invalid_request', 'the request was cut off')
    check.end()
    state = 'ended'
  }
  const passes = (chunk: Uint8Array | null): boolean => {
    // Once it has ended, HTTP/2 says so again as its stream closes.
    if (state !== 'open') return state === 'ended'
    try {
      step(chunk)
      return true
    } catch (error) {
      state = 'failed'
      giveUp(request, error as Error)
      return false
    }
  }
  // What has ended already no push could keep from its reader: it is refused before there is one.
  const early = takeWaiting(request)
  if (early !== null) {
    isAskedFor = true
    request.unshift(early)
    step(early)
  }
  if (hasEnded(request)) {
    step(null)
    return
  }
  // All else comes in through here, and its end does: from the parser of HTTP/1.1, from HTTP/2, from what tests inject.
  request.push = (chunk: Uint8Array | string | null, encoding?: BufferEncoding) => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
    return passes(bytes) && push.call(request, bytes)
  }
  request._read = size => {
    isAskedFor = true
    read.call(request, size)
  }
  // So does HTTP/1.1, which loses nothing by being asked now.
  if (!('stream' in request)) request.read(0)
}

/** Keeps what has failed from going on by itself, and has its reader learn of it. */
function giveUp(request: NodeRequest, error: Error): void {
  // The one of HTTP/2 throws once the stream is closed, since it takes the request for ended by then.
  request._read = () => undefined
  const act = (): void => abortRequest(request, error)
  // Not before somebody reads: parsers take a request that is gone already for one that has no body.
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
  // Without an error it would still hand out what it holds, and an end; and one that nobody listens for would end the process.
  request.on('error', () => undefined)
  request.destroy(error)
  if ('stream' in request) request.stream.close(constants.NGHTTP2_CANCEL)
  // What tests inject has a socket that is none.
  else (request.socket as { destroy?: () => void } | null)?.destroy?.()
}

/** Whether the peer, or the connection, has gone before the end; of HTTP/2 also a stream that was closed with its body unread. */
export function isCutOff(request: NodeRequest): boolean {
  if (!('stream' in request)) return request.readableAborted
  const { aborted, rstCode, readableEnded } = request.stream
  return aborted || rstCode !== 0 || !readableEnded
}

interface State {
  readonly _readableState?: { readonly ended?: boolean }
}

/** Whether nothing more comes in, for whatever reason. */
function hasEnded(request: NodeRequest): boolean {
  return (request as State)._readableState?.ended === true || request.destroyed || isWhole(request)
}

/** As much of a request as tells its end; one that a framework's test injects has no `complete`. */
interface Ending extends State {
  readonly complete?: boolean
}

/** Whether the last byte has come in. */
export function isWhole(request: NodeRequest): boolean {
  if ('stream' in request) return request.stream.readableEnded
  const { complete, _readableState } = request as Ending
  return complete ?? _readableState?.ended === true
}
