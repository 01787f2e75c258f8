import { AAuthError, boundedMap } from '@countersign/protocol'

const mostKept = 10_000

/** Counts by name, in memory: a middle that forgets its tokens costs us work, and no one's safety. */
export interface ExchangeLimit {
  /** @throws AAuthError `rate_limited` when the name has none left; counts nothing */
  check(name: string): void
  /** Counts one. @throws AAuthError `rate_limited` when it has none left */
  take(name: string): void
}

/** @param o `most` in so many `seconds` from the first */
export function exchangeLimit(o: {
  readonly most: number
  readonly seconds: number
  readonly now: () => number
}): ExchangeLimit {
  const { most, seconds, now } = o
  const kept = boundedMap<string, { readonly began: number; readonly count: number }>(mostKept)
  const current = (name: string): { readonly began: number; readonly count: number } => {
    const known = kept.get(name)
    // Also when the clock went back: until it is there again would be long to wait.
    return known === undefined || Math.abs(now() - known.began) >= seconds ? { began: now(), count: 0 } : known
  }
  const check = (name: string): void => {
    const { began, count } = current(name)
    if (count < most) return
    throw new AAuthError('rate_limited', 'this was asked too often', {
      retryAfter: Math.max(1, Math.ceil(began + seconds - now())),
    })
  }
  return {
    check,
    take(name) {
      check(name)
      const { began, count } = current(name)
      kept.set(name, { began, count: count + 1 })
    },
  }
}
