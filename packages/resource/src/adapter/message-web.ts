import { type BodyCheck, fromRequest, type ReceivedMessage } from '@countersign/httpsig'
import { unreadRequest } from '@countersign/httpsig/internal'
import { checkedRequest, type Reading, type ReadRequest } from './adapter.js'
import { revocableResponse, type WhileOpen } from './revocable.js'

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

/** The response, whose body ends when its grant is revoked. */
export function endingWithGrant(response: Response, _: ServerBindings | undefined, whileOpen: WhileOpen): Response {
  return revocableResponse(response, whileOpen)
}

/** A handler can only return its answer here. */
export function holdBeside(_: ServerBindings | undefined, __: unknown): (response: Response) => boolean {
  return () => false
}

/** The request with a body that is checked as it is read. */
export function checkedBody(request: Request, _: ServerBindings | undefined, check: BodyCheck): Request {
  return checkedRequest(request, check)
}
