import { type BodyCheck, checkedStream, type ReceivedMessage } from '@countersign/httpsig'
import { asAAuthError, errorResponse } from '@countersign/protocol'
import type { BodyRule } from './requirement.js'

// What the adapters for frameworks share.

/** A message that was read, or the answer where it cannot be. @throws what is the program's fault and not the caller's */
export async function readOrAnswer(read: () => Promise<ReceivedMessage>): Promise<ReceivedMessage | Response> {
  try {
    return await read()
  } catch (thrown) {
    const error = asAAuthError(thrown)
    // Not the caller's doing: the developer must see it.
    if (error.code === 'server_error') throw thrown
    return errorResponse(error)
  }
}

/** The message with the address that the platform tells beside the request; where the message has one, with that. */
export function withPeer(message: ReceivedMessage, tell: () => string | undefined): ReceivedMessage {
  if (message.peer !== undefined) return message
  const peer = tell()
  return peer === undefined ? message : { ...message, peer }
}

/** A request whose body passes a check as it is read. */
export function checkedRequest(request: Request, check: BodyCheck): Request {
  if (request.body === null) return request
  // Fetch's own condition for a body that is still on its way; its types do not know it yet.
  const init: RequestInit & { readonly duplex: 'half' } = { body: checkedStream(request.body, check), duplex: 'half' }
  return new Request(request, init)
}

/** What an earlier guard has read. @throws TypeError where that one left a body unread that this one must see */
export function sameRule(known: ReceivedMessage, rule: BodyRule): ReceivedMessage {
  if (rule === 'whole' && known.dangerouslyUnseenBody === true)
    throw new TypeError(
      "a guard before this one has body: 'stream', and this one has not: the body is gone by with that one",
    )
  return known
}

/** The response with headers that `set` has changed; the same one where that can be. */
export function withHeaders(response: Response, set: (headers: Headers) => void): Response {
  try {
    set(response.headers)
    return response
  } catch {
    // The headers of a response that came from fetch() cannot be written: those of a copy can.
    const copy = new Response(response.body, response)
    set(copy.headers)
    return copy
  }
}
