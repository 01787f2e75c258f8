import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { HttpSigError } from '../error.js'
import { isCutOff } from './checked-body-node.js'

/** By which a request shows that there is more of its body, or no more. */
const changes = ['readable', 'end', 'error'] as const

/**
 * The body of a request of Node as a stream that holds none of it: what nobody has asked for yet waits in the request, where
 * `unreadNode` bounds what small chunks cost. `Readable.toWeb` would queue thousands of them, each an object of its own (DIG-20).
 * What is left of it when it is cancelled is dropped, so that the connection can serve another request. One reader at a time: no
 * one else may read the request.
 * @see docs/protocol.md §3.4
 */
export function bodyStream(request: IncomingMessage | Http2ServerRequest): ReadableStream<Uint8Array> {
  let state: 'open' | 'closed' | 'cancelled' = 'open'
  let wake = (): void => undefined
  /** Resolves by the next change. It listens no longer than somebody waits: a listener would keep others from dropping the rest. */
  const change = (): Promise<void> =>
    new Promise(resolve => {
      const close = (): void => {
        state = 'closed'
        wake()
      }
      wake = () => {
        for (const name of changes) request.off(name, wake)
        request.off('close', close)
        resolve()
      }
      for (const name of changes) request.on(name, wake)
      request.on('close', close)
    })
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (state !== 'cancelled') {
          const chunk: Uint8Array | null = request.read()
          // A copy: chunks share memory, which their reader may overwrite or transfer.
          if (chunk !== null) return controller.enqueue(new Uint8Array(chunk))
          if (request.errored) throw request.errored
          // HTTP/2 ends the body of a stream that was reset.
          if (request.readableEnded && !isCutOff(request)) return controller.close()
          if (request.readableEnded || request.destroyed || state === 'closed')
            throw new HttpSigError('invalid_request', 'the request was cut off')
          await change()
        }
      },
      cancel() {
        state = 'cancelled'
        wake()
        request.resume()
      },
    },
    { highWaterMark: 0 },
  )
}
