import type { Store } from '@countersign/store'
import type { Tables } from './tables.js'

const interval = 60

/** Runs a sweep at most once a minute, on the back of a write that happens anyway. */
export function sweeper(
  now: () => number,
  sweep: (tx: Store<Tables>['db']) => Promise<unknown>,
): (tx: Store<Tables>['db']) => Promise<void> {
  let next = Number.NEGATIVE_INFINITY
  return async tx => {
    if (now() < next) return
    next = now() + interval
    await sweep(tx)
  }
}
