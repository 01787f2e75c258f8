import { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { takeWaiting } from './merged-chunks-node.js'
import { bodyTooLarge } from './received-message.js'

/**
 * Takes a body that has arrived as a whole, mostly together with the head: its parser is done, and there is no event to wait for.
 * @returns undefined for one that has not, or that something else reads
 * @throws HttpSigError for a body over the limit
 */
export function takeArrived(request: IncomingMessage | Http2ServerRequest, limit: number): Uint8Array | undefined {
  if (!(request instanceof IncomingMessage && request.complete)) return undefined
  if (request.readableFlowing !== null || request.readableEncoding !== null) return undefined
  const bytes = takeWaiting(request)
  if (bytes === null || bytes.length === 0) return undefined
  if (bytes.length > limit) throw bodyTooLarge()
  // A copy: a small part of what a socket has read would keep all of that from being freed.
  return new Uint8Array(bytes)
}

/** As {@link takeArrived}, but leaves the body in the request. */
export function peekArrived(request: IncomingMessage | Http2ServerRequest, limit: number): Uint8Array | undefined {
  const bytes = takeArrived(request, limit)
  // The same memory, so that the body is not held twice.
  if (bytes !== undefined) request.unshift(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  return bytes
}
