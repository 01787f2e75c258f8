import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { HttpSigError } from '../error.js'

/** Header lines that Node keeps of an HTTP/1.1 request whose server sets no `maxHeadersCount`. */
const keptByDefault = 1000

/** As much of a connection as tells how many header lines its parser keeps. */
interface Connection {
  /** Node's own; it counts names and values. Gone once a connection changes its protocol. */
  readonly parser?: { readonly maxHeaderPairs?: unknown } | null
  readonly server?: { readonly maxHeadersCount?: unknown } | null
}

/**
 * Refuses a request of whose header lines Node may have dropped some. It drops what is over `maxHeadersCount` in silence, and
 * still frames the body by a `Content-Length` that it dropped: a body put into somebody's signed request would pass for none.
 * @throws HttpSigError 431
 */
export function checkWholeHead(request: IncomingMessage | Http2ServerRequest): void {
  // HTTP/2 resets a stream that has too many.
  if ('stream' in request) return
  const most = keptLines(request.socket as Connection | null)
  if (most > 0 && request.rawHeaders.length >= 2 * most)
    throw new HttpSigError('invalid_request', 'too many header lines', { status: 431 })
}

/** How many lines the parser keeps; not above 0: all. */
function keptLines(connection: Connection | null): number {
  const pairs = connection?.parser?.maxHeaderPairs
  if (typeof pairs === 'number') return pairs / 2
  const lines = connection?.server?.maxHeadersCount
  return typeof lines === 'number' ? lines : keptByDefault
}
