import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '../error.js'

/**
 * Refuses a compressed body. No endpoint of the protocol decompresses anything: kilobytes can hold gigabytes (a zip bomb).
 * @throws AAuthError `invalid_request`, 415, when `Content-Encoding` is not `identity`
 * @see protocol §8
 */
export function checkContentCoding(message: ReceivedMessage): void {
  const codings = headerValues(message, 'content-encoding')
  if (codings.every(coding => coding.trim().toLowerCase() === 'identity')) return
  throw new AAuthError('invalid_request', 'the body must not be compressed', { reason: 'body_compressed', status: 415 })
}
