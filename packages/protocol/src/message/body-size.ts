import type { ReceivedMessage } from '@countersign/httpsig'
import { refusal } from '../error.js'

const mostBytes = 64 * 1024

/**
 * Refuses a body over 64 KiB, the most that an endpoint of the protocol takes. One that is unread passes: it is checked once it is read.
 * @throws AAuthError `invalid_request`, 413
 * @see protocol §11
 */
export function checkBodySize({ body }: Pick<ReceivedMessage, 'body'>): void {
  if (body !== undefined && body.length > mostBytes) throw refusal('body_too_large', { about: 'at most 64 KiB' })
}
