import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { HttpSigError } from '../error.js'

/** Header lines of an HTTP/1.1 request that Node keeps when the server sets no `maxHeadersCount`. */
const keptByDefault = 1000

/** The members of a connection that tell how many header lines its parser keeps. */
interface Connection {
  /** Internal to Node; counts names and values. Missing once a connection has changed its protocol. */
  readonly parser?: { readonly maxHeaderPairs?: unknown } | null
  readonly server?: { readonly maxHeadersCount?: unknown } | null
}

/**
 * Refuses a request when Node may have dropped some of its header lines. Node drops lines over `maxHeadersCount` silently, but frames
 * the body by a `Content-Length` that it dropped: a body added to a signed request by an attacker would not be noticed.
 * @throws HttpSigError 431
 */
export function checkWholeHead(request: IncomingMessage | Http2ServerRequest): void {
  // HTTP/2 resets a stream that has too many.
  if ('stream' in request) return
  const most = keptLines(request.socket as Connection | null)
  if (most > 0 && request.rawHeaders.length >= 2 * most)
    throw new HttpSigError('invalid_request', 'too many header lines', { reason: 'header_lines_too_many', status: 431 })
}

/** How many lines the parser keeps; 0 or below when it keeps all. */
function keptLines(connection: Connection | null): number {
  const pairs = connection?.parser?.maxHeaderPairs
  if (typeof pairs === 'number') return pairs / 2
  const lines = connection?.server?.maxHeadersCount
  return typeof lines === 'number' ? lines : keptByDefault
}
