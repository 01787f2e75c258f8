import type { Store } from '@countersign/store'
import type { Tables } from '../tables.js'

/** Rows that one write deletes of a table: others wait for it. */
export const sweepAtMost = 500

/** Seconds between two sweeps of one kind. */
export const sweepInterval = 60

/** Tells whether so many seconds have passed since it last said so; the first time at once. */
export function everySeconds(seconds: number, now: () => number): () => boolean {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    // Also when the clock went back.
    if (Math.abs(now() - last) < seconds) return false
    last = now()
    return true
  }
}

/** Runs a sweep at most once a minute, on the back of a write that happens anyway. */
export function sweeper(
  now: () => number,
  sweep: (tx: Store<Tables>['db']) => Promise<unknown>,
): (tx: Store<Tables>['db']) => Promise<void> {
  const isDue = everySeconds(sweepInterval, now)
  return async tx => {
    if (isDue()) await sweep(tx)
  }
}
