import type { ReceivedMessage } from '@countersign/httpsig'
import type { Verified } from '@countersign/verify'
import type { Charge } from '../limit/rate-headers.js'
import type { AAuth } from './aauth.js'
import type { Refusal } from './decision.js'

/**
 * What a resource has done for one request. A request may meet several guards: it is verified, remembered and counted once.
 */
export interface RequestLedger {
  /** The verification of its head, once it has begun; rejects with the refusal. */
  head?: Promise<Verified> | undefined
  /** The verification of its body, once it has begun; rejects with the refusal. */
  whole?: Promise<Verified>
  /** Why it was refused as an adapter read it. It stays so: the adapter has not seen the body (COV-48). */
  refusedRead?: RefusedRead
  /** It was looked up in the replay set, and passed. */
  hasPassedReplay: boolean
  /** The approval that it came with was taken. */
  hasTakenApproval: boolean
  /** It was counted under `calls`. */
  isCounted: boolean
  /** The limits that it was charged to, by name; for its `RateLimit` headers. */
  readonly charges: Map<string, Charge>
}

/** Why a request was refused as it was read: a check refused its head, or something was thrown at the head or the body. */
export interface RefusedRead {
  readonly refusal?: Refusal
  readonly thrown?: unknown
  /** What was verified by then. */
  readonly facts: { readonly verified?: Verified; readonly aauth?: AAuth }
}

/** The ledgers of one resource. A message object stands for one received request. */
export class RequestLedgers {
  // Each ledger is a property of its message. A ledger leads back to its message, and the collector of young objects keeps what the
  // values of a WeakMap lead to: all requests would become old, at a tenth of the cost of a GET.
  readonly #key = Symbol('countersign.ledger')

  of(message: ReceivedMessage): RequestLedger {
    const known = this.#find(message)
    if (known !== undefined) return known
    // bound: one call
    const ledger = { hasPassedReplay: false, hasTakenApproval: false, isCounted: false, charges: new Map() }
    this.share(message, ledger)
    return ledger
  }

  /** The same request, with its body. */
  share(message: ReceivedMessage, ledger: RequestLedger): void {
    // Not enumerable: a changed copy of a message is another request, and nothing of it is verified.
    Object.defineProperty(message, this.#key, { value: ledger, configurable: true })
  }

  /** What the limits leave of a request; nothing for a message that no guard has judged. */
  chargesOf(message: object): Iterable<Charge> {
    return this.#find(message)?.charges.values() ?? []
  }

  #find(message: object): RequestLedger | undefined {
    return (message as Readonly<Record<symbol, RequestLedger | undefined>>)[this.#key]
  }
}
