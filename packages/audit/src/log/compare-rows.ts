import { randomInt } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { AuditError } from '../audit-error.js'
import { leafOf } from '../event/leaf.js'
import { parseCheckpoint } from '../note/checkpoint.js'
import { hashBytes, leafHash } from '../tree/hash.js'
import { tiledTree } from '../tree/prove.js'
import { hashesIn, tileWidth, widthOf } from '../tree/tile.js'
import { verifyInclusion } from '../tree/verify-proof.js'
import { newestCheckpoint } from './checkpoint-rows.js'
import { recordsOf, runsOf } from './event-rows.js'
import type { LogContext } from './log-context.js'
import type { AuditTableNames } from './tables.js'
import { tileReader } from './tile-rows.js'

/** What the database must agree with. */
interface SignedTree {
  readonly size: number
  readonly root: Uint8Array
}

/**
 * Compares a sample of the records in the database with the tree that was signed last: the newest tile, and one of all others at random.
 * Somebody who changes a record in the database is noticed while the program runs, and not only by those who verify an export. Costs at
 * most 512 hashes and a few reads.
 * @throws AuditError `changed` for the first record, or tile, that differs
 */
export async function compareSample({ store: { db }, tables }: Pick<LogContext, 'store' | 'tables'>): Promise<void> {
  const newest = await newestCheckpoint(db, tables)
  if (newest === undefined) return
  const { size, root } = parseCheckpoint(newest.note)
  const first = await firstTile(db, tables)
  const last = Math.ceil(size / tileWidth) - 1
  if (first === undefined || first > last) return
  await compareTile(db, tables, { tile: last, size, root })
  if (first < last) await compareTile(db, tables, { tile: randomInt(first, last), size, root })
}

/** The first tile whose events are kept; undefined where there is none. */
async function firstTile(db: Kysely<unknown>, { filters }: AuditTableNames): Promise<number | undefined> {
  const { rows } = await sql<{ first: number | null }>`select min(tile) as first from ${sql.table(filters)}`.execute(db)
  return rows[0]?.first ?? undefined
}

async function compareTile(
  db: Kysely<unknown>,
  tables: AuditTableNames,
  { tile, ...signed }: SignedTree & { readonly tile: number },
): Promise<void> {
  const start = tile * tileWidth
  const read = tileReader(db, tables)
  const width = widthOf(0, tile, signed.size)
  const hashes = hashesIn((await read(0, tile)).subarray(0, width * hashBytes))
  if (!(await isSigned(hashes, { start, width, signed, tree: tiledTree(read) })))
    throw changed('a tile in the database is not of the tree that was signed', start)
  const records = new Map<number, boolean>()
  for (const { index, record } of recordsOf(await runsOf(db, tables, tile))) {
    const hash = hashes[index - start]
    if (hash === undefined) continue // After the checkpoint.
    records.set(index, records.get(index) !== false && isRecordOf(record, hash))
  }
  const at = hashes.findIndex((_, place) => records.get(start + place) !== true)
  if (at < 0) return
  // Removed meanwhile, by the retention: a whole tile, and all before it.
  if (records.size === 0 && ((await firstTile(db, tables)) ?? Number.POSITIVE_INFINITY) > tile) return
  throw changed('a record in the database is not the one that was logged', start + at)
}

/** Whether the hashes of a tile are those of the signed tree: the proof of one of them is made of all others. */
async function isSigned(
  hashes: readonly Uint8Array[],
  o: {
    readonly start: number
    readonly width: number
    readonly signed: SignedTree
    readonly tree: ReturnType<typeof tiledTree>
  },
): Promise<boolean> {
  const { start: index, width, signed, tree } = o
  const [leaf] = hashes
  if (leaf === undefined || hashes.length !== width) return false
  try {
    return verifyInclusion({ ...signed, index, leaf, hashes: await tree.inclusion(index, signed.size) })
  } catch (error) {
    // A tile is too short.
    if (error instanceof RangeError) return false
    throw error
  }
}

function isRecordOf(record: string, hash: Uint8Array): boolean {
  try {
    return Buffer.compare(leafHash(leafOf(record)), hash) === 0
  } catch {
    return false
  }
}

function changed(message: string, index: number): AuditError {
  return new AuditError('changed', message, { cause: { index } })
}
