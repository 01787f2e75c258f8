import type { BodyCheck, ReceivedMessage } from '@countersign/httpsig'
import { checkedStream, streamOf } from '@countersign/httpsig/internal'
import { errorResponse } from '@countersign/protocol'
import { asAAuthError } from '@countersign/protocol/internal'
import { projectResponse } from '../answer/project-response.js'
import type { Authorization } from '../guard/authorization.js'
import type { AnswerHead } from '../guard/handed-on.js'
import type { BodyRule } from '../guard/requirement.js'
import { revocableResponse } from './revocable.js'

// What the adapters for frameworks share.

/** The answer to a request that cannot be read. @throws an error that the program caused and not the caller */
export function unreadable(thrown: unknown): Response {
  const error = asAAuthError(thrown)
  // The caller did not cause it: the developer must see it.
  if (error.code === 'server_error') throw thrown
  return errorResponse(error)
}

/** The message with its own peer address or, if it has none, the one that the platform tells beside the request. */
export function withPeer(message: ReceivedMessage, tell: () => string | undefined): ReceivedMessage {
  if (message.peer !== undefined) return message
  const peer = tell()
  return peer === undefined ? message : { ...message, peer }
}

/** The request with a body that is checked as it is read. */
export function checkedRequest(request: Request, check: BodyCheck): Request {
  if (request.body === null) return request
  // The guard has waited for its first byte, and there is none.
  if (request.body.locked) return emptied(request)
  return new Request(request, streaming(checkedStream(request.body, check)))
}

/** The request with all of its body, where the guard has looked at the first byte and nothing checks it: it is only observed. */
export function uncheckedRequest(request: Request, { unread }: ReceivedMessage): Request {
  const body = unread !== undefined && request.body?.locked === true ? streamOf(unread) : undefined
  if (body === undefined) return request
  const { url, method, headers, signal } = request
  return new Request(url, { method, headers, signal, ...streaming(body) })
}

function emptied({ url, method, headers, signal }: Request): Request {
  return new Request(url, { method, headers, signal })
}

/** A streamed body with `duplex`, which Fetch demands for it and its types do not know yet. */
export function streaming(body: ReadableStream<Uint8Array>): RequestInit & { readonly duplex: 'half' } {
  return { body, duplex: 'half' }
}

/** Methods with which a Fetch request has no body, or that it does not know at all. */
export const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE', 'CONNECT'])

/** What a guard has received of a request, kept for the next one. */
export interface Received {
  readonly message: ReceivedMessage
  readonly rule: BodyRule
}

/** How a request is received. */
export interface Receiving {
  readonly bodyLimit: number
  readonly rule: BodyRule
}

/** The most bytes that are read of a body. A handler that streams has its own limit. */
export function limitOf({ bodyLimit, rule }: Receiving): number {
  return rule === 'stream' ? Number.MAX_SAFE_INTEGER : bodyLimit
}

/** A Fetch request as received, and the request that its handler gets. */
export interface ReceivedFetch {
  readonly message: ReceivedMessage
  readonly request: Request
}

/** What an earlier guard has received. @throws TypeError where that one leaves a body unread that this one must see */
export function receivedBefore({ message, rule: before }: Received, rule: BodyRule): ReceivedMessage {
  // The handler reads what the first guard has let pass, and the second one would have read it away (DIG-13).
  if (rule === 'whole' && before === 'stream' && message.unread !== undefined)
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

/**
 * The response as far as the conditions of its caller let it out. A body that is still being read ends with its grant.
 * @param method of the request
 */
export async function shownResponse(
  response: Response,
  { answer, whileOpen }: Authorization & { readonly ok: true },
  method: string,
): Promise<Response> {
  if (answer === undefined) return response
  const revocable = whileOpen === undefined ? response : revocableResponse(response, whileOpen)
  return projectResponse(revocable, answer, method)
}
