import type { Dialect } from '@countersign/store'
import { type Kysely, sql } from 'kysely'
import type { GrownSo } from '../tree/growth.js'
import { hashBytes } from '../tree/hash.js'
import type { ReadTile } from '../tree/prove.js'
import { hashesIn, partialTiles, peaksOf, tileWidth } from '../tree/tile.js'
import { elementsOf } from './elements.js'
import type { AuditTableNames } from './tables.js'

/** A tile as it is stored. */
export interface TileRow {
  readonly level: number
  readonly number: number
  /** The hashes one after another, in base64. */
  readonly hashes: string
}

/** The right edge of the tree, and the tiles that change while it grows. */
export interface TreeEdge {
  readonly from: GrownSo
  readonly onTileHash: (level: number, index: number, hash: Uint8Array) => void
  /** The tiles that have grown. */
  changed(): readonly TileRow[]
}

/** The leaves of the tree that is stored. */
export async function readSize(db: Kysely<unknown>, { tiles }: AuditTableNames): Promise<number> {
  const { rows } = await sql<{ number: number; hashes: string }>`
    select number, hashes from ${sql.table(tiles)} where level = 0 order by number desc limit 1`.execute(db)
  const [last] = rows
  if (last === undefined) return 0
  return last.number * tileWidth + Buffer.from(last.hashes, 'base64').length / hashBytes
}

/** Reads the tiles of a room. */
export function tileReader(db: Kysely<unknown>, { tiles }: AuditTableNames): ReadTile {
  return async (level, number) => {
    const { rows } = await sql<{ hashes: string }>`
      select hashes from ${sql.table(tiles)} where level = ${level} and number = ${number}`.execute(db)
    return Buffer.from(rows[0]?.hashes ?? '', 'base64')
  }
}

/** Reads the right edge of the tree. Memory: one tile a level, of which a log of a million events has three. */
export async function openEdge(tx: Kysely<unknown>, tables: AuditTableNames): Promise<TreeEdge> {
  const size = await readSize(tx, tables)
  const read = tileReader(tx, tables)
  // bound: one call
  const edge = new Map<number, { number: number; hashes: Uint8Array[] }>()
  for (const { level, number } of partialTiles(size))
    edge.set(level, { number, hashes: hashesIn(await read(level, number)) })
  const from = peaksOf(size, ({ level }) => edge.get(level)?.hashes ?? [])
  // bound: one call
  const grown = new Map<string, { readonly level: number; readonly number: number; readonly hashes: Uint8Array[] }>()
  return {
    from,
    onTileHash(level, index, hash) {
      const number = Math.floor(index / tileWidth)
      const last = edge.get(level)
      const tile = last?.number === number ? last : { number, hashes: [] }
      edge.set(level, tile)
      // bound: one call
      tile.hashes.push(hash)
      grown.set(`${level}/${number}`, { level, ...tile })
    },
    changed: () =>
      [...grown.values()].map(({ level, number, hashes }) => ({
        level,
        number,
        hashes: Buffer.concat(hashes).toString('base64'),
      })),
  }
}

/** Stores tiles that have grown. */
export async function writeTiles(
  tx: Kysely<unknown>,
  {
    tables,
    dialect,
    tiles,
  }: { readonly tables: AuditTableNames; readonly dialect: Dialect; readonly tiles: readonly TileRow[] },
): Promise<void> {
  const rows = elementsOf(
    tiles.map(({ level, number, hashes }) => [level, number, hashes]),
    dialect,
  )
  // SQLite would read `on conflict` as part of a join without `where`.
  await sql`insert into ${sql.table(tables.tiles)} (level, number, hashes)
    select cast(value->>0 as integer), cast(value->>1 as bigint), value->>2 from ${rows} where true
    on conflict (level, number) do update set hashes = excluded.hashes`.execute(tx)
}
