import { headerValues, type ReceivedMessage, withUnseenBody } from '../message/received-message.js'
import { hasByte, headOf } from '../message/received-request.js'
import { isSigned } from './signature-lines.js'

/** A Fetch API request whose body has not been read. */
export interface UnreadRequest {
  readonly message: ReceivedMessage
  /** The request to read the body from. */
  readonly request: Request
  /** There may be a body. */
  readonly isUnread: boolean
}

/**
 * As `fromRequest`, but does not read the body of an unsigned request, or one that has a digest: its reader must pass it through
 * `checkedStream`. A signed request without digest must not have a body: the first byte refuses it.
 * @throws HttpSigError 431 as `fromRequest`
 * @see protocol §3.4
 */
export async function unreadRequest(request: Request): Promise<UnreadRequest> {
  const head = headOf(request)
  if (request.body === null) return { message: head, request, isUnread: false }
  const isCovered = !isSigned(head) || headerValues(head, 'content-digest').length > 0
  if (isCovered) return { message: withUnseenBody(head), request, isUnread: true }
  if (await hasByte(request.body)) return { message: { ...head, dangerouslyUnseenBody: true }, request, isUnread: true }
  const { url, method, headers, signal } = request
  return { message: head, request: new Request(url, { method, headers, signal }), isUnread: false }
}
