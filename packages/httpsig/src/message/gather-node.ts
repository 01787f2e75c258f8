import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { refusal } from '../error.js'
import { wasReset } from './request-end-node.js'

/** How a body is read. */
export interface Gathering {
  readonly on: 'data' | 'readable'
  /** Called at each event. @returns the whole body once it has arrived */
  part(chunk: Uint8Array): Uint8Array | undefined
  end(): Uint8Array | undefined
}

/**
 * Reads the body of a request until it has arrived or fails.
 * @throws HttpSigError for a body that cannot be read or is cut off, and the errors of `part` and `end`
 */
export function gather(
  request: IncomingMessage | Http2ServerRequest,
  { on, part, end }: Gathering,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      request.off(on, onPart).off('end', onEnd).off('error', onError).off('close', onClose)
    }
    const onPart = (chunk: Uint8Array): void => {
      try {
        const bytes = part(chunk)
        if (bytes === undefined) return
        if (wasReset(request)) throw refusal('request_cut_off')
        stop()
        resolve(bytes)
      } catch (error) {
        stop()
        // Not destroyed: the refusal must still reach the client.
        request.pause()
        reject(error as Error)
      }
    }
    const onEnd = (): void => {
      stop()
      try {
        const bytes = end()
        if (wasReset(request)) throw refusal('request_cut_off')
        resolve(bytes)
      } catch (error) {
        reject(error as Error)
      }
    }
    const onError = (cause: Error): void => {
      stop()
      reject(refusal('body_unreadable', { cause }))
    }
    const onClose = (): void => {
      stop()
      reject(refusal('request_cut_off'))
    }
    request.on(on, onPart).on('end', onEnd).on('error', onError).on('close', onClose)
  })
}
