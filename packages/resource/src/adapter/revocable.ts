import { textOf } from '@countersign/protocol/internal'
import type { Authorization } from '../guard/authorization.js'

/** Ends what is open under a grant when that is revoked. */
export type WhileOpen = NonNullable<(Authorization & { readonly ok: true })['whileOpen']>

/** The response with a body that ends in an error when its grant is revoked (REV-09). */
export function revocableResponse(response: Response, whileOpen: WhileOpen): Response {
  if (response.body === null || isSentAtOnce(response)) return response
  return new Response(revocableStream(response.body, whileOpen), response)
}

/** Longest text that is handed to the connection in one piece. */
const onePiece = 16_384

/** Whether the whole answer is there, and goes out in one piece: there is nothing left to end. */
function isSentAtOnce(response: Response): boolean {
  return (textOf(response)?.length ?? Number.POSITIVE_INFINITY) <= onePiece
}

/** Enters once it is read: a body that nobody reads, as after HEAD, must not be kept. */
function revocableStream(body: ReadableStream<Uint8Array>, whileOpen: WhileOpen): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let isOver = false
  let leave: (() => void) | undefined
  const end = (): boolean => {
    if (isOver) return false
    isOver = true
    leave?.()
    return true
  }
  const enter = (controller: ReadableStreamDefaultController<Uint8Array>): ReadableStreamDefaultReader<Uint8Array> => {
    const entered = body.getReader()
    reader = entered
    leave = whileOpen(() => {
      if (!end()) return
      const error = new Error('the grant of this request has ended')
      controller.error(error)
      entered.cancel(error).catch(() => undefined)
    })
    return entered
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await (reader ?? enter(controller)).read()
          if (isOver) return
          if (!done) return controller.enqueue(value)
          end()
          controller.close()
        } catch (error) {
          if (end()) controller.error(error)
        }
      },
      cancel(reason) {
        end()
        return reader === undefined ? body.cancel(reason) : reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
