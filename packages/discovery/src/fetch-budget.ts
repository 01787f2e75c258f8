import { AAuthError } from '@countersign/protocol'

/** Who fetches are begun for. */
export interface FetchCaller {
  /** The caller's network, a /48 or v4 /24. Read only when a fetch begins, so that a getter costs nothing before. */
  readonly network?: string | undefined
}

/** How many fetches may still be begun. */
export interface FetchBudget {
  /** The network of the caller they are begun for, whose share of what strangers share they take. */
  readonly network?: string | undefined
  /** @throws AAuthError `discovery_failed` when there are none left */
  spend(): void
}

/**
 * A budget of its own that also draws on the one it was made from: a view of a view widens nothing.
 * It stops one inbound request from making us fetch from many hosts.
 * @see protocol §10
 */
export function fetchBudget(fetches: number, parent?: FetchBudget, caller?: FetchCaller): FetchBudget {
  if (!Number.isSafeInteger(fetches) || fetches < 0)
    throw new RangeError('a fetch budget must be a whole number, 0 or more')
  return new Budget(fetches, parent, caller)
}

/** A class, since one is made for each request: it makes no function. */
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
    if (this.#left === 0)
      throw new AAuthError('discovery_failed', 'the request needs more documents than may be fetched for one')
    this.#parent?.spend()
    this.#left -= 1
  }
}
