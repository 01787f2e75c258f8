import { constants } from 'node:http2'
import { refusal } from '../error.js'
import { takeWaiting } from '../message/merged-chunks-node.js'
import type { NodeRequest } from '../message/node-request.js'
import { hasEnded, isCutOff } from '../message/request-end-node.js'
import type { BodyCheck } from './content-digest-stream.js'

/**
 * Checks the body of an unread request while it is being read. A body that fails never ends: as soon as it is read, the connection
 * (in HTTP/2, the stream) is aborted, and the reader gets `aborted`, or `error` with the error of the check.
 * @throws the error of the check, for bytes that have arrived already
 * @throws HttpSigError `invalid_request` for a request that was cut off
 * @see protocol §3.4
 */
// unchecked options check: the package itself makes them
export function checkBody(request: NodeRequest, check: BodyCheck): void {
  const { push, _read: read } = request
  let state: 'open' | 'ended' | 'failed' = 'open'
  // When a response is sent before the body is read, HTTP/2 drops the body and still emits its end. One that has ended was empty.
  let isAskedFor = !('stream' in request) || request.readableEnded
  const step = (chunk: Uint8Array | null): void => {
    if (chunk !== null) {
      check.update(chunk)
      return
    }
    if (!isAskedFor || isCutOff(request)) throw refusal('request_cut_off')
    check.end()
    state = 'ended'
  }
  const passes = (chunk: Uint8Array | null): boolean => {
    // HTTP/2 signals the end again when its stream closes.
    if (state !== 'open') return state === 'ended'
    try {
      step(chunk)
      return true
    } catch (error) {
      state = 'failed'
      failRequest(request, error as Error)
      return false
    }
  }
  // Bytes that have arrived already do not pass through `push` any more: they are checked before anything can read them.
  const early = takeWaiting(request)
  if (early !== null) {
    isAskedFor = true
    // bound: one call
    request.unshift(early)
    step(early)
  }
  if (hasEnded(request)) {
    step(null)
    return
  }
  // All other chunks and the end pass through `push`: from the parser of HTTP/1.1, from HTTP/2, from injected test requests.
  request.push = (chunk: Uint8Array | string | null, encoding?: BufferEncoding) => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
    return passes(bytes) && push.call(request, bytes)
  }
  request._read = size => {
    isAskedFor = true
    read.call(request, size)
  }
  // HTTP/1.1 may start reading now: it drops nothing.
  if (!('stream' in request)) request.read(0)
}

/** Stops a request whose body has failed, and reports the error to its reader. */
function failRequest(request: NodeRequest, error: Error): void {
  // The `_read` of HTTP/2 throws once the stream is closed.
  request._read = () => undefined
  const act = (): void => abortRequest(request, error)
  // Not before the body is read: parsers take a destroyed request for one without a body.
  if (request.readableFlowing === true || request.listenerCount('readable') > 0) {
    act()
    return
  }
  request.once('resume', act)
  request.on('newListener', name => {
    if (name === 'readable') act()
  })
}

/** Aborts a request, with its connection or, in HTTP/2, its stream. */
export function abortRequest(request: NodeRequest, error: Error): void {
  if (request.destroyed) return
  // Without an error the request would still emit its buffer and an end. An error without a listener would end the process.
  request.on('error', () => undefined)
  request.destroy(error)
  if ('stream' in request) request.stream.close(constants.NGHTTP2_CANCEL)
  // Requests that tests inject have a stand-in for a socket.
  else (request.socket as { destroy?: () => void } | null)?.destroy?.()
}
