import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { refusal } from '../error.js'

/**
 * Refuses a compressed body. No endpoint of the protocol decompresses anything: kilobytes can hold gigabytes (a zip bomb).
 * @throws AAuthError `invalid_request`, 415, when `Content-Encoding` is not `identity`
 * @see protocol §8
 */
export function checkContentCoding(message: ReceivedMessage): void {
  const codings = headerValues(message, 'content-encoding')
  if (codings.every(coding => coding.trim().toLowerCase() === 'identity')) return
  throw refusal('body_compressed')
}
