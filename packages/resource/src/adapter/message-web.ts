import { type BodyCheck, fromRequest, type ReceivedMessage, unreadRequest } from '@countersign/httpsig'
import { checkedRequest, type Reading, type ReadRequest } from './adapter.js'

/** What a server may put beside the request that shows it as it was received. */
export interface ServerBindings {
  /** The received message itself, where the server has read it already. */
  readonly received?: ReceivedMessage
}

/** The message as received: exact where the server shows it, else what a Fetch request still knows. */
export async function receive(
  request: Request,
  bindings: ServerBindings | undefined,
  { bodyLimit, rule, judgeHead }: Reading,
): Promise<ReadRequest> {
  if (bindings?.received !== undefined) return { message: bindings.received, request, isUnread: false }
  if (rule === 'stream') return unreadRequest(request)
  return { message: await fromRequest(request, { bodyLimit, judgeHead }), request, isUnread: false }
}

/** No request of Node stands behind one here. */
export function bindingsOf(_: Request, __?: unknown): ServerBindings | undefined {
  return undefined
}

/** The message, with its body left unread. */
export function receiveUnread(request: Request, _: ServerBindings | undefined): Promise<ReadRequest> {
  return unreadRequest(request)
}

/** The request with a body that is checked as it is read. */
export function checkedBody(request: Request, _: ServerBindings | undefined, check: BodyCheck): Request {
  return checkedRequest(request, check)
}
