import { AAuthError } from '@countersign/protocol'

/** How many fetches may still be begun. */
export interface FetchBudget {
  /** @throws AAuthError `discovery_failed` when there are none left */
  spend(): void
}

/**
 * A budget of its own that also draws on the one it was made from: a view of a view widens nothing.
 * It stops one inbound request from making us fetch from many hosts.
 * @see protocol.md §10
 */
export function fetchBudget(fetches: number, parent?: FetchBudget): FetchBudget {
  if (!Number.isSafeInteger(fetches) || fetches < 0)
    throw new RangeError('a fetch budget must be a whole number, 0 or more')
  let left = fetches
  return {
    spend() {
      if (left === 0)
        throw new AAuthError('discovery_failed', 'the request needs more documents than may be fetched for one')
      parent?.spend()
      left -= 1
    },
  }
}
