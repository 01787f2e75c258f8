import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import { peerOf, requestIdOf } from '@countersign/verify/internal'
import type { AuthServerEvent, ExchangeFacts } from '../event/event.js'
import { exchangeFacts } from '../exchange/exchange.js'
import { denialIn } from '../grant/decide.js'
import { type StoredRequest, upstreamOf } from './read-request.js'
import { requestFacts } from './requests.js'

/** The request and user of a page, for the event of a refusal. */
export interface PageFacts {
  readonly row: StoredRequest
  /** The user who is signed in. */
  readonly user?: { readonly sub: string } | undefined
}

/** What was verified before a request was refused. */
export interface RefusalFacts {
  readonly caller?: IdentifiedCaller
  /** The upstream token of an exchange. */
  readonly exchange?: ExchangeFacts
  readonly txn?: string
  readonly resource_txn?: string
  /** Pages only. */
  readonly page?: PageFacts | undefined
}

/** The event of a refusal, with what was verified before it. */
export function refusedEvent(error: AAuthError, message: ReceivedMessage, known: RefusalFacts = {}): AuthServerEvent {
  const { code, reason, status, description, cause } = error
  const { caller, exchange, txn, resource_txn, page } = known
  return {
    type: 'refused',
    code,
    reason,
    status,
    description,
    ...(page === undefined ? {} : about(page)),
    ...(caller === undefined ? {} : { agent: caller.agent }),
    ...(caller?.delegate === undefined ? {} : { delegate: caller.delegate }),
    ...(exchange === undefined ? {} : { exchange }),
    ...(txn === undefined ? {} : { txn }),
    ...(resource_txn === undefined ? {} : { resource_txn }),
    ...(cause === undefined ? {} : { cause }),
    ...denialIn(cause),
    ...peerOf(message),
    ...requestIdOf(message),
  }
}

/** The request that a page is about, so that its log holds every refusal. */
function about({
  row,
  user,
}: PageFacts): ReturnType<typeof requestFacts> & { readonly user?: string; readonly exchange?: ExchangeFacts } {
  const upstream = upstreamOf(row)
  return {
    ...requestFacts(row),
    ...(user === undefined ? {} : { user: user.sub }),
    ...(upstream === undefined ? {} : { exchange: exchangeFacts(upstream) }),
  }
}
