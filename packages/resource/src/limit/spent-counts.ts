import type { Bucket } from './limits.js'
import type { Charge } from './rate-headers.js'

/** What is known to be over its limit until its window ends. */
export interface SpentCounts {
  /** The first of these that is over, as a count would find it. */
  find(buckets: readonly Bucket[]): Charge | undefined
  /** Remembers a count that found its limit exceeded. */
  add(charge: Charge): void
  /** Forgets one that is counted less from now on. */
  forget(bucket: Bucket): void
}

/** To push one out takes as many other callers, each with more requests than its limit allows. */
const capacity = 10_000

/**
 * Remembers which counts are over. They are looked at before anything is counted: past the limit of an agent none of its fresh
 * delegates is counted any more, else a flood of them would push out of a bounded counter the very count that holds them back
 * (RAT-01), and a delegate past its own limit uses up nothing of its agent's.
 */
export function spentCounts(): SpentCounts {
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
