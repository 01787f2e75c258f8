import type { Store } from '@countersign/store'
import type { Tables } from './tables.js'

/** Seconds between two sweeps of one table that found little. */
const interval = 10
/** Rows that one sweep forgets: what a night left behind must not keep a morning's requests waiting. */
const atOnce = 1000

/**
 * Makes what forgets ended rows of a table. It runs beside the writes that add rows, not within them: on PostgreSQL a
 * transaction that looks through what others insert is undone by them, and they by it.
 */
export function sweeper(
  store: Store<Tables>,
  table: 'agent_server_enrollment_codes' | 'agent_server_key_proofs' | 'agent_server_used_proofs',
  now: () => number,
): () => Promise<void> {
  let last = Number.NEGATIVE_INFINITY
  return async () => {
    // Also when the clock went back.
    if (Math.abs(now() - last) < interval) return
    last = now()
    const ended = await store.db
      .selectFrom(table)
      .select('hash')
      .where('expires', '<=', now())
      .orderBy('expires')
      .limit(atOnce)
      .execute()
    if (ended.length === 0) return
    const hashes = ended.map(({ hash }) => hash)
    await store.write(tx => tx.deleteFrom(table).where('hash', 'in', hashes).execute())
    if (ended.length === atOnce) last = Number.NEGATIVE_INFINITY
  }
}
