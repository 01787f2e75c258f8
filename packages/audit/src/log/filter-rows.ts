import { type Kysely, sql } from 'kysely'
import { filterOf, type Gathered, nothingGathered } from './filter.js'
import type { AuditTableNames } from './tables.js'

/** What is stored of a tile: its filter once it is whole, and until then what is gathered for it. */
export interface FilterRow {
  readonly tile: number
  readonly gathered: Gathered
  /** When it became whole, Unix seconds; null before. */
  readonly whole: number | null
}

/** Stores what is found in a tile. */
export async function writeFilter(
  tx: Kysely<unknown>,
  { filters }: AuditTableNames,
  { tile, gathered, whole }: FilterRow,
): Promise<void> {
  const { earliest, latest, keys } = gathered
  const [bits, open] = whole === null ? [null, bytesOf(keys)] : [filterOf(gathered), null]
  await sql`insert into ${sql.table(filters)} (tile, earliest, latest, whole, bits, gathered)
    values (${tile}, ${earliest}, ${latest}, ${whole}, ${bits}, ${open})
    on conflict (tile) do update set earliest = excluded.earliest, latest = excluded.latest, whole = excluded.whole,
      bits = excluded.bits, gathered = excluded.gathered`.execute(tx)
}

/** What was gathered for a tile that is not whole yet. */
export async function readGathered(tx: Kysely<unknown>, { filters }: AuditTableNames, tile: number): Promise<Gathered> {
  const { rows } = await sql<{ earliest: number; latest: number; gathered: Buffer | null }>`
    select earliest, latest, gathered from ${sql.table(filters)} where tile = ${tile}`.execute(tx)
  const [row] = rows
  if (row === undefined) return nothingGathered()
  const { earliest, latest, gathered } = row
  // bound: one call
  return { earliest, latest, keys: gathered === null ? new Set() : keysIn(gathered) }
}

function bytesOf(keys: ReadonlySet<number>): Buffer {
  const bytes = Buffer.allocUnsafe(4 * keys.size)
  let at = 0
  for (const key of keys) at = bytes.writeUInt32LE(key, at)
  return bytes
}

function keysIn(bytes: Buffer): Set<number> {
  // bound: one call
  const keys = new Set<number>()
  for (let at = 0; at + 4 <= bytes.length; at += 4) keys.add(bytes.readUInt32LE(at))
  return keys
}
