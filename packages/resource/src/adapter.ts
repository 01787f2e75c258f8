import type { ReceivedMessage } from '@countersign/httpsig'
import { asAAuthError, errorResponse } from '@countersign/protocol'

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
