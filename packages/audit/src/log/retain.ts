import type { Store } from '@countersign/store'
import { type Kysely, sql } from 'kysely'
import { tileWidth } from '../tree/tile.js'
import type { AuditTableNames } from './tables.js'

/** The most tiles whose events are removed in one run. */
const mostTiles = 40

/**
 * Removes events that are older than `before`, a whole tile at a time from the oldest on, and checkpoints of that time, but for the
 * newest. The hashes stay, and with them all proofs of later events.
 */
export async function removeOld(
  { store, tables }: { readonly store: Store<unknown>; readonly tables: AuditTableNames },
  before: number,
): Promise<void> {
  for (let tile = 0; tile < mostTiles; tile++) {
    const hasRemoved = await store.write(tx => removeTile(tx, tables, before), { alone: 'audit' })
    if (!hasRemoved) break
  }
  const { checkpoints } = tables
  await store.write(tx =>
    sql`delete from ${sql.table(checkpoints)} where time < ${before}
      and size < (select max(size) from ${sql.table(checkpoints)})`.execute(tx),
  )
}

async function removeTile(tx: Kysely<unknown>, { events }: AuditTableNames, before: number): Promise<boolean> {
  const { rows } = await sql<{ seq: number }>`select seq from ${sql.table(events)} order by seq limit 1`.execute(tx)
  const [first] = rows
  if (first === undefined) return false
  const end = (Math.floor(first.seq / tileWidth) + 1) * tileWidth
  const counted = await sql<{ newest: number; last: number }>`select max(time) as newest, max(seq) as last
    from ${sql.table(events)} where seq < ${end}`.execute(tx)
  const { newest = before, last = 0 } = counted.rows[0] ?? {}
  // A part of a tile would have to be shown without its events.
  if (newest >= before || last !== end - 1) return false
  await sql`delete from ${sql.table(events)} where seq < ${end}`.execute(tx)
  return true
}
