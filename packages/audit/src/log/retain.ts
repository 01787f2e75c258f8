import type { Store } from '@countersign/store'
import { type Kysely, sql } from 'kysely'
import { tileWidth } from '../tree/tile.js'
import type { AuditTableNames } from './tables.js'

/** Milliseconds of one run, so that checkpoints are signed meanwhile. */
const longest = 5000

/**
 * Removes events that are older than `before`, in whole Unix seconds, a whole tile at a time from the oldest on, and checkpoints of that time, but for the
 * newest. The hashes stay, and with them all proofs of later events.
 */
export async function removeOld(
  { store, tables }: { readonly store: Store<unknown>; readonly tables: AuditTableNames },
  before: number,
): Promise<void> {
  const end = performance.now() + longest
  while (performance.now() < end)
    if (!(await store.write(tx => removeTile(tx, tables, before), { alone: 'audit' }))) break
  const { checkpoints } = tables
  await store.write(tx =>
    sql`delete from ${sql.table(checkpoints)} where time < ${before}
      and size < (select max(size) from ${sql.table(checkpoints)})`.execute(tx),
  )
}

/**
 * Removes the oldest tile. Its age is that of its last place: one event whose program had a wrong clock must not keep all others. A
 * part of a tile would have to be shown without its events, and has no filter.
 */
async function removeTile(
  tx: Kysely<unknown>,
  { events, runs, filters }: AuditTableNames,
  before: number,
): Promise<boolean> {
  const { rows } = await sql<{ tile: number; whole: number | null }>`
    select tile, whole from ${sql.table(filters)} order by tile limit 1`.execute(tx)
  const [oldest] = rows
  if (oldest === undefined || oldest.whole === null || oldest.whole >= before) return false
  const old = sql`${sql.table(runs)} where first < ${(oldest.tile + 1) * tileWidth}`
  await sql`delete from ${sql.table(events)} where row_number in (select row_number from ${old})`.execute(tx)
  await sql`delete from ${old}`.execute(tx)
  await sql`delete from ${sql.table(filters)} where tile = ${oldest.tile}`.execute(tx)
  return true
}
