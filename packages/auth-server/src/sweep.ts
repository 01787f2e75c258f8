import type { Store } from '@countersign/store'
import type { Tables } from './tables.js'

const interval = 60

/** Runs a sweep at most once a minute, on the back of a write that happens anyway. */
export function sweeper(
  now: () => number,
  sweep: (tx: Store<Tables>['db']) => Promise<unknown>,
): (tx: Store<Tables>['db']) => Promise<void> {
  let last = Number.NEGATIVE_INFINITY
  return async tx => {
    // Also when the clock went back.
    if (Math.abs(now() - last) < interval) return
    last = now()
    await sweep(tx)
  }
}
