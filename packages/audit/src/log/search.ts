import type { Store } from '@countersign/store'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { tileWidth } from '../tree/tile.js'
import { type PlacedRecord, recordsOf, runsOf } from './event-rows.js'
import { type Findable, mayHold } from './filter.js'
import type { AuditTableNames } from './tables.js'
import { readSize } from './tile-rows.js'

/** Where to search. */
export interface SearchPlace {
  readonly db: Store<unknown>['db']
  readonly tables: AuditTableNames
}

/** Which tiles to search. */
export interface TileSearch {
  /** Whether a tile with this filter may hold what is searched. */
  readonly holds: (bits: Uint8Array) => boolean
  /** Unix seconds, included. */
  readonly since?: number
  /** Unix seconds, not included. */
  readonly until?: number
  /** Events before this place only. */
  readonly before?: number | undefined
}

/** Which records to search. */
export interface Search extends Omit<TileSearch, 'holds'> {
  /** Members and their values. */
  readonly named: ReadonlyArray<readonly [member: Findable, value: string]>
  /** A text that the record has. */
  readonly text?: string
}

/** Filters that are read at once, of 2.3 KB at most. */
const page = 256

/** Records that may be of what is searched, the newest first. Those of whole tiles without it are not read. Memory: a tile. */
export async function* recordsBackwards({ db, tables }: SearchPlace, search: Search): AsyncGenerator<PlacedRecord> {
  const { named, text, before = Number.POSITIVE_INFINITY } = search
  const texts = [...named.map(([, value]) => JSON.stringify(value)), ...(text === undefined ? [] : [text])]
  for await (const tile of tilesBackwards({ db, tables }, { ...search, holds: bits => mayHold(bits, named) })) {
    for (const placed of recordsOf(await runsOf(db, tables, tile)).toReversed())
      if (placed.index < before && texts.every(each => placed.record.includes(each))) yield placed
  }
}

/** The numbers of tiles that may hold what is searched, the newest first: the one that is not whole yet, and then by the filters. */
export async function* tilesBackwards(
  { db, tables }: SearchPlace,
  { holds, since, until, before = Number.POSITIVE_INFINITY }: TileSearch,
): AsyncGenerator<number> {
  const open = Math.floor((await readSize(db as Kysely<unknown>, tables)) / tileWidth)
  if (open * tileWidth < before) yield open
  const times: RawBuilder<unknown>[] = []
  if (since !== undefined) times.push(sql`and latest >= ${Math.floor(since)}`)
  if (until !== undefined && until !== Number.POSITIVE_INFINITY) times.push(sql`and earliest < ${Math.ceil(until)}`)
  for (let last = Math.min(open, Math.ceil(before / tileWidth)); ; ) {
    const { rows } = await sql<{
      tile: number
      bits: Uint8Array | null
    }>`select tile, bits from ${sql.table(tables.filters)}
      where tile < ${last} ${sql.join(times, sql` `)} order by tile desc limit ${page}`.execute(db)
    for (const { tile, bits } of rows) if (bits === null || holds(bits)) yield tile
    if (rows.length < page) return
    last = rows.at(-1)?.tile ?? 0
  }
}
