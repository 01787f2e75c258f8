import { type BodyCheck, type ReceivedMessage, receiveRequest } from '@countersign/httpsig'
import { checkedRequest, limitOf, type ReceivedFetch, type Receiving } from './adapter.js'
import { revocableResponse, type WhileOpen } from './revocable.js'

/** What a server may put beside the request that shows it as it was received. */
export interface ServerBindings {
  /** The received message itself, where the server has read it already. */
  readonly received?: ReceivedMessage
}

/** The message as received: exact where the server shows it, else what a Fetch request still knows. Its body is unread. */
export async function receive(
  request: Request,
  bindings: ServerBindings | undefined,
  how: Receiving,
): Promise<ReceivedFetch> {
  if (bindings?.received !== undefined) return { message: bindings.received, request }
  return receiveShown(request, bindings, how)
}

/** No request of Node stands behind one here. */
export function bindingsOf(_: Request, __?: unknown): ServerBindings | undefined {
  return undefined
}

/** The message as the Fetch request shows it. Its body is unread. */
export async function receiveShown(
  request: Request,
  _: ServerBindings | undefined,
  how: Receiving,
): Promise<ReceivedFetch> {
  return { message: receiveRequest(request, { bodyLimit: limitOf(how) }), request }
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
