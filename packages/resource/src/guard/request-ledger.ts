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
  readonly #ledgers = new WeakMap<object, RequestLedger>()

  of(message: ReceivedMessage): RequestLedger {
    const known = this.#ledgers.get(message)
    if (known !== undefined) return known
    const ledger = { hasPassedReplay: false, hasTakenApproval: false, isCounted: false, charges: new Map() }
    this.#ledgers.set(message, ledger)
    return ledger
  }

  /** The same request, with its body. */
  share(message: ReceivedMessage, ledger: RequestLedger): void {
    this.#ledgers.set(message, ledger)
  }

  /** What the limits leave of a request; nothing for a message that no guard has judged. */
  chargesOf(message: object): Iterable<Charge> {
    return this.#ledgers.get(message)?.charges.values() ?? []
  }
}
