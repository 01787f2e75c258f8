import type { Socket } from 'node:net'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { ActiveExchange } from './connections.js'

/** The refusal of bytes that are no HTTP request, by the parser's error code. */
export function malformedRefusal(code: string | undefined): AAuthError {
  if (code === 'HPE_HEADER_OVERFLOW') return refusal('header_too_long')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return refusal('request_too_slow')
  return refusal('http_malformed')
}

const statusTexts: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/**
 * Sends the response on the bare connection and closes it. While an earlier request of the same connection is still being
 * answered, it only cuts the connection: the peer would take these bytes for that response.
 * @param o `method` of the request, where it is known
 * @returns whether the response was sent
 */
export function refuseMalformed(
  socket: Socket,
  { code, reason, description, status }: AAuthError,
  o: { readonly active: ReadonlySet<ActiveExchange>; readonly method?: string | undefined },
): boolean {
  const earlier = [...o.active].some(({ request, response }) => request.complete || response.headersSent)
  if (!socket.writable || earlier) {
    socket.destroy()
    return false
  }
  const body = JSON.stringify({ error: code, reason, error_description: description })
  socket.end(
    [
      `HTTP/1.1 ${status} ${statusTexts[status]}`,
      'content-type: application/json',
      'cache-control: no-store',
      `content-length: ${body.length}`,
      'connection: close',
      '',
      o.method === 'HEAD' ? '' : body,
    ].join('\r\n'),
    // Destroyed, since the peer may go on sending for ever.
    () => socket.destroy(),
  )
  return true
}
