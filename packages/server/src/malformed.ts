import type { Socket } from 'node:net'
import type { Reason } from '@countersign/protocol'
import type { ActiveExchange } from './connections.js'

/** The response to bytes that are no HTTP request. */
export interface MalformedAnswer {
  readonly status: 400 | 408 | 431
  readonly reason: Reason
  readonly description: string
  /** Of the request, where it is known. */
  readonly method?: string | undefined
}

/** Chooses the response by the parser's error code. */
export function malformedAnswer(code: string | undefined): MalformedAnswer {
  if (code === 'HPE_HEADER_OVERFLOW')
    return { status: 431, reason: 'header_too_long', description: 'the header block is too large' }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, reason: 'request_too_slow', description: 'the request did not arrive in time' }
  return { status: 400, reason: 'http_malformed', description: 'the request is not well-formed HTTP' }
}

const statusTexts = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' } as const

/**
 * Sends the response on the bare connection and closes it. While an earlier request of the same connection is still being
 * answered, it only cuts the connection: the peer would take these bytes for that response.
 * @returns whether the response was sent
 */
export function refuseMalformed(socket: Socket, answer: MalformedAnswer, active: ReadonlySet<ActiveExchange>): boolean {
  const earlier = [...active].some(({ request, response }) => request.complete || response.headersSent)
  if (!socket.writable || earlier) {
    socket.destroy()
    return false
  }
  const body = JSON.stringify({
    error: 'invalid_request',
    reason: answer.reason,
    error_description: answer.description,
  })
  socket.end(
    [
      `HTTP/1.1 ${answer.status} ${statusTexts[answer.status]}`,
      'content-type: application/json',
      'cache-control: no-store',
      `content-length: ${body.length}`,
      'connection: close',
      '',
      answer.method === 'HEAD' ? '' : body,
    ].join('\r\n'),
    // Destroyed, since the peer may go on sending for ever.
    () => socket.destroy(),
  )
  return true
}
