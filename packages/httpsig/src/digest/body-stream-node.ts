import { refusal } from '../error.js'
import type { NodeRequest } from '../message/node-request.js'
import { isCutOff } from '../message/request-end-node.js'

/** Events after which a read may have another result. */
const changes = ['readable', 'end', 'error'] as const

/**
 * The body of a request of Node as a stream without a buffer of its own: bytes stay in the request until they are read, and
 * `receiveNode` bounds the memory of small chunks there. `Readable.toWeb` would queue thousands of them as objects (DIG-20).
 * Cancelling drops the rest of the body, so that the connection can serve another request. Nothing else may read the request.
 * @see protocol §3.4
 */
export function bodyStream(request: NodeRequest): ReadableStream<Uint8Array> {
  let state: 'open' | 'closed' | 'cancelled' = 'open'
  let wake = (): void => undefined
  /** Resolves at the next change. Listeners are removed then: a listener for data would keep `resume` from dropping the rest. */
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
          // A copy: chunks share memory, and their reader may overwrite or transfer it.
          if (chunk !== null) return controller.enqueue(new Uint8Array(chunk))
          if (request.errored) throw request.errored
          // HTTP/2 ends the body of a stream that was reset.
          if (request.readableEnded && !isCutOff(request)) return controller.close()
          if (request.readableEnded || request.destroyed || state === 'closed') throw refusal('request_cut_off')
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
