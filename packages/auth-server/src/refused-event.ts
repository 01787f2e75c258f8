import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { type IdentifiedCaller, peerOf } from '@countersign/verify'
import type { AuthServerEvent } from './event.js'

/** The event of a refusal; `caller` where it came that far. */
export function refusedEvent(error: AAuthError, message: ReceivedMessage, caller?: IdentifiedCaller): AuthServerEvent {
  const { code, status, description, cause } = error
  return {
    type: 'refused',
    code,
    status,
    description,
    ...(caller === undefined ? {} : { agent: caller.agent }),
    ...(caller?.delegate === undefined ? {} : { delegate: caller.delegate }),
    ...(cause === undefined ? {} : { cause }),
    ...peerOf(message),
  }
}
