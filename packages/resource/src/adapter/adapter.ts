import { type BodyCheck, checkedStream, type JudgeHead, type ReceivedMessage } from '@countersign/httpsig'
import { asAAuthError, errorResponse } from '@countersign/protocol'
import type { AnswerHead } from '../guard/handed-on.js'
import type { BodyRule } from '../guard/requirement.js'

// What the adapters for frameworks share.

/** The answer to a request that cannot be read. @throws what is the program's fault and not the caller's */
export function unreadable(thrown: unknown): Response {
  const error = asAAuthError(thrown)
  // Not the caller's doing: the developer must see it.
  if (error.code === 'server_error') throw thrown
  return errorResponse(error)
}

/** The message with the address that the platform tells beside the request; where the message has one, with that. */
export function withPeer(message: ReceivedMessage, tell: () => string | undefined): ReceivedMessage {
  if (message.peer !== undefined) return message
  const peer = tell()
  return peer === undefined ? message : { ...message, peer }
}

/** The request with a body that is checked as it is read. */
export function checkedRequest(request: Request, check: BodyCheck): Request {
  return request.body === null ? request : new Request(request, streaming(checkedStream(request.body, check)))
}

/** A body that is still on its way, with Fetch's own condition for it; its types do not know that yet. */
export function streaming(body: ReadableStream<Uint8Array>): RequestInit & { readonly duplex: 'half' } {
  return { body, duplex: 'half' }
}

/** Methods with which a Fetch request has no body, or that it does not know at all. */
export const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE', 'CONNECT'])

/** What a guard has read of a request, kept for the next one. */
export interface Read {
  readonly message: ReceivedMessage
  /** It left a body to the handler. */
  readonly isUnread: boolean
}

/** How a Fetch request is read. */
export interface Reading {
  readonly bodyLimit: number
  readonly rule: BodyRule
  readonly judgeHead: JudgeHead
}

/** The same of a Fetch request, and the request that its handler gets. */
export interface ReadRequest extends Read {
  readonly request: Request
}

/** What an earlier guard has read. @throws TypeError where that one left a body unread that this one must see */
export function readBefore({ message, isUnread }: Read, rule: BodyRule): ReceivedMessage {
  // The signature may cover none: the message of the first guard looks like that of a request without a body (DIG-13).
  if (rule === 'whole' && isUnread)
    throw new TypeError("a guard before this one has body: 'stream', and this one has not: it sees no body")
  return message
}

/** The response with headers that `set` has changed; the same one where that can be. */
export function withHeaders(response: Response, set: (head: AnswerHead) => void): Response {
  try {
    set(response)
    return response
  } catch {
    // The headers of a response that came from fetch() cannot be written: those of a copy can.
    const copy = new Response(response.body, response)
    set(copy)
    return copy
  }
}
