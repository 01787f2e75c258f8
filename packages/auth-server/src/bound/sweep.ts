import type { Store } from '@countersign/store'
import type { Tables } from '../tables/tables.js'

/** Rows that one write deletes of a table: few, because other writes wait for it. */
export const sweepAtMost = 500

/** Seconds between two sweeps of one kind. */
export const sweepInterval = 60

/** Returns true once every so many seconds, and at the first call. */
export function everySeconds(seconds: number, now: () => number): () => boolean {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    // Also when the clock went back.
    if (Math.abs(now() - last) < seconds) return false
    last = now()
    return true
  }
}

/** Runs a sweep at most once a minute, in a transaction that writes anyway; undefined, and nothing to wait for, at all other times. */
export function sweeper(
  now: () => number,
  sweep: (tx: Store<Tables>['db']) => Promise<unknown>,
): (tx: Store<Tables>['db']) => Promise<unknown> | undefined {
  const isDue = everySeconds(sweepInterval, now)
  return tx => (isDue() ? sweep(tx) : undefined)
}
