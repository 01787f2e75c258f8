import { atMostEvery } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Tables } from '../tables/tables.js'

/** Rows that one write deletes of a table: few, because other writes wait for it. */
export const sweepAtMost = 500

/** Seconds between two sweeps of one kind. */
export const sweepInterval = 60

/** Runs a sweep at most once a minute, in a transaction that writes anyway; undefined, and nothing to wait for, at all other times. */
export function sweeper(
  now: () => number,
  sweep: (tx: Store<Tables>['db']) => Promise<unknown>,
): (tx: Store<Tables>['db']) => Promise<unknown> | undefined {
  const isDue = atMostEvery(sweepInterval, now)
  return tx => (isDue() ? sweep(tx) : undefined)
}
