import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { HttpSigError } from '../error.js'
import { doNothing, type HeadWatch } from './head-watch.js'

/** How a body is read. */
export interface Gathering {
  /** Stops the reading when the head is refused. */
  readonly watch?: HeadWatch
  readonly on: 'data' | 'readable'
  /** Called at each event. @returns the whole body once it has arrived */
  part(chunk: Uint8Array): Uint8Array | undefined
  end(): Uint8Array | undefined
}

/**
 * Reads the body of a request until it has arrived, fails, or its head is refused.
 * @throws HttpSigError for a body that cannot be read or is cut off, and the errors of `part` and `end`
 */
export function gather(
  request: IncomingMessage | Http2ServerRequest,
  { watch, on, part, end }: Gathering,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      if (watch !== undefined) watch.stop = doNothing
      request.off(on, onPart).off('end', onEnd).off('error', onError).off('close', onClose)
    }
    const onPart = (chunk: Uint8Array): void => {
      try {
        const bytes = part(chunk)
        if (bytes === undefined) return
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
        resolve(end())
      } catch (error) {
        reject(error as Error)
      }
    }
    const onError = (cause: Error): void => {
      stop()
      reject(new HttpSigError('invalid_request', 'the body could not be read', { reason: 'body_unreadable', cause }))
    }
    const onClose = (): void => {
      stop()
      reject(new HttpSigError('invalid_request', 'the request was cut off', { reason: 'request_cut_off' }))
    }
    request.on(on, onPart).on('end', onEnd).on('error', onError).on('close', onClose)
    if (watch !== undefined)
      watch.stop = () => {
        stop()
        request.pause()
        resolve(undefined)
      }
  })
}
