import type { Bucket } from './limits.js'
import type { Charge } from './rate-headers.js'

/** Counts that are over their limit until their window ends. */
export interface SpentCounts {
  /** The first of these that is over its limit, as the counter would report it. */
  find(buckets: readonly Bucket[]): Charge | undefined
  /** Remembers a count that found its limit exceeded. */
  add(charge: Charge): void
  /** Forgets a count that has been lowered. */
  forget(bucket: Bucket): void
}

/** To push out one count an attacker needs this many other callers, each over its limit. */
const capacity = 10_000

/**
 * Remembers which counts are over their limit. They are checked before anything is counted: past the limit of an agent no new
 * delegate of it is counted. Otherwise a flood of delegates would push the count of their agent out of a bounded counter (RAT-01).
 * A delegate past its own limit uses up nothing of its agent's.
 */
export function spentCounts(): SpentCounts {
  // bound: 10 000 keys; bytes: 10 000 × the key; grown by a stranger; shared: as the counts; filled by
  // bounded-collections-fills.test.ts "counts that are spent"
  const ends = new Map<string, number>()
  return {
    find(buckets) {
      for (const bucket of buckets) {
        const seconds = ((ends.get(bucket.key) ?? 0) - performance.now()) / 1000
        if (seconds > 0) return { bucket, count: { within: false, remaining: 0, seconds } }
      }
      return undefined
    },
    forget: ({ key }) => void ends.delete(key),
    add({ bucket, count }) {
      ends.delete(bucket.key)
      ends.set(bucket.key, performance.now() + count.seconds * 1000)
      if (ends.size > capacity) ends.delete(ends.keys().next().value ?? '')
    },
  }
}
