import { atMostEvery, clockTolerance } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Tables } from './tables.js'

/** Seconds between two sweeps of one table, unless the last one found more rows than it may delete. */
const interval = 10
/** Rows that one sweep deletes: a long backlog must not make requests wait. */
const atOnce = 1000

/**
 * Creates a function that deletes rows of a table that have ended by the clock of every instance: one whose clock is ahead must not make
 * a proof good again that others still accept (F-83). It runs before the writes that add rows, not within them: on
 * PostgreSQL a transaction that scans a table and others that insert into it make each other fail.
 */
export function sweeper(
  store: Store<Tables>,
  table: 'agent_server_enrollment_codes' | 'agent_server_key_proofs' | 'agent_server_used_proofs',
  now: () => number,
): () => Promise<void> {
  let isDue = atMostEvery(interval, now)
  return async () => {
    if (!isDue()) return
    const ended = await store.db
      .selectFrom(table)
      .select('hash')
      .where('expires', '<=', now() - clockTolerance)
      .orderBy('expires')
      .limit(atOnce)
      .execute()
    if (ended.length === 0) return
    const hashes = ended.map(({ hash }) => hash)
    await store.write(tx => tx.deleteFrom(table).where('hash', 'in', hashes).execute())
    if (ended.length === atOnce) isDue = atMostEvery(interval, now)
  }
}
