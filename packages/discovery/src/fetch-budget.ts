import { refusal } from '@countersign/protocol/internal'

/** The caller that causes fetches. */
export interface FetchCaller {
  /** The caller's network, a /48 or v4 /24. Read only when a fetch begins, so that it may be a getter. */
  readonly network?: string | undefined
}

/** How many fetches a request may still begin. */
export interface FetchBudget {
  /** The network of the caller; its fetches take the share of that network. */
  readonly network?: string | undefined
  /** Counts one fetch. @throws AAuthError `discovery_failed` when none is left */
  spend(): void
}

/**
 * A budget for one inbound request, so that one request cannot make us fetch from many hosts.
 * Its fetches also count for `parent`, so that a view of a view gets no further fetches.
 * @see protocol §10
 */
export function fetchBudget(fetches: number, parent?: FetchBudget, caller?: FetchCaller): FetchBudget {
  if (!Number.isSafeInteger(fetches) || fetches < 0)
    throw new RangeError('a fetch budget must be a whole number, 0 or more')
  return new Budget(fetches, parent, caller)
}

/** A class, so that the budget made for each request allocates no closures. */
class Budget implements FetchBudget {
  #left: number
  readonly #parent: FetchBudget | undefined
  readonly #caller: FetchCaller | undefined

  constructor(left: number, parent: FetchBudget | undefined, caller: FetchCaller | undefined) {
    this.#left = left
    this.#parent = parent
    this.#caller = caller
  }

  get network(): string | undefined {
    return this.#caller?.network ?? this.#parent?.network
  }

  spend(): void {
    if (this.#left === 0) throw refusal('fetches_exceeded')
    this.#parent?.spend()
    this.#left -= 1
  }
}
