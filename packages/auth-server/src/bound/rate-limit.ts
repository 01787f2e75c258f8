import { atMostEvery, boundedMap, refusal } from '@countersign/protocol/internal'

const mostKept = 10_000

/** Counts by name, in memory: a lost count costs work, not safety. */
export interface RateLimit {
  /** @throws AAuthError `rate_limited` when the name has none left; counts nothing */
  check(name: string): void
  /** Counts one. @throws AAuthError `rate_limited` when it has none left */
  take(name: string): void
}

/** @param o `most` in so many `seconds` from the first */
// unchecked options o: only the desk, the console and tests call it, and TypeScript checks them
export function rateLimit(o: {
  readonly most: number
  readonly seconds: number
  readonly now: () => number
}): RateLimit {
  const { most, seconds, now } = o
  // bound: 10 000 names, hashes or networks; bytes: 10 000 × 300; grown by a stranger; shared: by use: the one unused
  // for longest is forgotten, and costs work alone; filled by bounded-collections-fills.test.ts "remembers 10 000
  // names"
  const kept = boundedMap<string, { readonly began: number; readonly count: number }>(mostKept)
  // `abs`, for a clock that was set back: else the wait would last until it has caught up.
  const isOver = ({ began }: { readonly began: number }): boolean => Math.abs(now() - began) >= seconds
  const isDue = atMostEvery(seconds, now)
  const current = (name: string): { readonly began: number; readonly count: number } => {
    if (isDue()) kept.deleteWhere(isOver)
    const known = kept.get(name)
    return known === undefined || isOver(known) ? { began: now(), count: 0 } : known
  }
  const check = (name: string): void => {
    const { began, count } = current(name)
    if (count < most) return
    throw refusal('rate_exceeded', { retryAfter: Math.max(1, Math.ceil(began + seconds - now())) })
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
