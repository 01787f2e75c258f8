import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import type { ShownMessage } from '../explorer/contract.js'

/** A request as its receiver had it, as far as the recording shows. */
export interface Received {
  readonly message: ReceivedMessage
  /** Whether the body is shown with its secrets shortened, or cut: its digest cannot be computed again. */
  readonly isBodyChanged: boolean
}

/** The recorded request of a message. */
export function receivedRequest({ request }: ShownMessage): Received {
  const { method, target, headers, body } = request
  // Codes and refresh tokens are recorded with … in them, long bodies with [cut] at their end.
  const isBodyChanged = body.includes('…') || body.endsWith('[cut]') || hasOtherLength(request)
  if (body === '') return { message: { method, target, headers }, isBodyChanged: false }
  if (isBodyChanged) return { message: { method, target, headers, dangerouslyUnseenBody: true }, isBodyChanged }
  return { message: { method, target, headers, body: new TextEncoder().encode(body) }, isBodyChanged }
}

function hasOtherLength({ headers, body }: ShownMessage['request']): boolean {
  const length = headerValues({ headers }, 'content-length')[0]
  return length !== undefined && Number(length) !== new TextEncoder().encode(body).length
}
