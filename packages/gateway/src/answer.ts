import type { IncomingMessage } from 'node:http'
import { frameHead, refusal } from '@countersign/protocol/internal'
import type { WhileOpen } from '@countersign/resource'
import type { Relayed } from '@countersign/server'
import { answerHeaders } from './answer-headers.js'
import type { HeaderRules } from './header-rules.js'
import { retryAfter } from './upstream.js'

const ignore = (): void => undefined

/**
 * The answer of the API for the caller, without headers that only the gateway may send.
 * @throws AAuthError `temporarily_unavailable` for a status that is none of HTTP
 */
export function relayed(answer: IncomingMessage, method: string, rules: HeaderRules): Relayed {
  const status = answer.statusCode ?? 0
  if (status < 200 || status > 599) {
    answer.destroy()
    throw refusal('dependency_invalid', {
      about: 'the API behind this gateway has answered with an invalid status',
      retryAfter: retryAfter(method),
    })
  }
  // An answer may break off while nobody reads it yet: who reads it is told then.
  answer.on('error', ignore)
  const headers = answerHeaders(answer.rawHeaders, rules)
  if (frameHead({ status, headers }, method)) return { status, headers, body: answer }
  answer.resume()
  return { status, headers, body: undefined }
}

/** The same for the Fetch API. When the caller disconnects, the request upstream is aborted. */
export function responseOf({ status, headers, body }: Relayed): Response {
  const init = { status, headers: [...headers].map(([name, value]): [string, string] => [name, value]) }
  return new Response(body === undefined ? null : streamOf(body), init)
}

/** Ends an answer when its grant is revoked (REV-09). One that is there as a whole goes out at once: there is nothing left to end. */
export function endWhenRevoked({ body }: Relayed, whileOpen: WhileOpen): void {
  if (body === undefined || body.complete || body.destroyed) return
  body.once(
    'close',
    whileOpen(() => body.destroy(new Error('the grant of this request has ended'))),
  )
}

function streamOf(answer: IncomingMessage): ReadableStream<Uint8Array> {
  const pieces = answer[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const piece = await pieces.next()
      if (piece.done) controller.close()
      else controller.enqueue(piece.value)
    },
    cancel() {
      answer.destroy()
    },
  })
}
