import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { type IdentifiedCaller, peerOf, requestIdOf } from '@countersign/verify'
import { deniedIn } from './decide.js'
import type { AuthServerEvent, ExchangeFacts } from './event.js'

/** What was verified before a request was refused. */
export interface KnownBefore {
  readonly caller?: IdentifiedCaller
  /** What an exchange would pass on. */
  readonly exchange?: ExchangeFacts
  readonly txn?: string
}

/** The event of a refusal, with as much as was known of it by then. */
export function refusedEvent(error: AAuthError, message: ReceivedMessage, known: KnownBefore = {}): AuthServerEvent {
  const { code, status, description, cause } = error
  const { caller, exchange, txn } = known
  return {
    type: 'refused',
    code,
    status,
    description,
    ...(caller === undefined ? {} : { agent: caller.agent }),
    ...(caller?.delegate === undefined ? {} : { delegate: caller.delegate }),
    ...(exchange === undefined ? {} : { exchange }),
    ...(txn === undefined ? {} : { txn }),
    ...(cause === undefined ? {} : { cause }),
    ...deniedIn(cause),
    ...peerOf(message),
    ...requestIdOf(message),
  }
}
