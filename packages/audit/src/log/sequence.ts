import { type Kysely, sql } from 'kysely'
import { growTree } from '../tree/growth.js'
import { tileWidth } from '../tree/tile.js'
import { eventsIn, placeRows, type WaitingRow } from './event-rows.js'
import { type Gathered, nothingGathered } from './filter.js'
import { readGathered, writeFilter } from './filter-rows.js'
import { forgetInRows } from './forget.js'
import { gatherHead, hashIn, headBytes, mostHeads } from './head.js'
import type { LogContext } from './log-context.js'
import type { AuditTableNames } from './tables.js'
import { openEdge, writeTiles } from './tile-rows.js'

/** The most rows that get their places in one transaction, 32 events each, so that other writes come in between. */
const mostRows = 256

/** What one step of the sequencer did. */
export interface Sequenced {
  /** Leaves of the tree. */
  readonly size: number
  /** Whether more events wait. */
  readonly isMore: boolean
}

/**
 * Gives waiting events their places, in one transaction: a kill leaves all of them waiting, or none. The lock keeps two instances
 * from giving out the same place.
 */
export async function placeEvents(context: LogContext): Promise<Sequenced> {
  return context.store.write(tx => placeIn(tx, context), { alone: 'audit' })
}

async function placeIn(tx: Kysely<unknown>, context: LogContext): Promise<Sequenced> {
  const { tables, store, now } = context
  const taken = await takeWaiting(tx, tables)
  const edge = await openEdge(tx, tables)
  const first = edge.from.size
  if (taken.length === 0) return { size: first, isMore: false }
  const rows = await forgetInRows(tx, context, taken)
  const tree = growTree(edge.from, edge.onTileHash)
  const tile = Math.floor(first / tileWidth)
  const filters = gathering(first, { tile, gathered: await readGathered(tx, tables, tile) })
  for (const row of rows) {
    for (let from = 0; from < eventsIn(row) * headBytes; from += headBytes) {
      filters.add(row.heads, from)
      tree.append(hashIn(row.heads, from))
    }
  }
  await placeRows(tx, { tables, dialect: store.dialect }, { first, rows })
  for (const { tile, gathered, isWhole } of filters.tiles())
    await writeFilter(tx, tables, { tile, gathered, whole: isWhole ? Math.floor(now()) : null })
  await writeTiles(tx, { tables, dialect: store.dialect, tiles: edge.changed() })
  return { size: tree.size, isMore: taken.length === mostRows }
}

/**
 * Takes appends off the queue. Rows whose transactions commit later, with a smaller number, are taken the next time. Of heads that were
 * changed in the database it takes no more than a row can have.
 */
async function takeWaiting(tx: Kysely<unknown>, { waiting }: AuditTableNames): Promise<WaitingRow[]> {
  const next = sql`select row_number from ${sql.table(waiting)} order by row_number limit ${mostRows}`
  const { rows } = await sql<WaitingRow>`delete from ${sql.table(waiting)} where row_number in (${next})
    returning row_number as row, substr(heads, 1, ${mostHeads * headBytes}) as heads`.execute(tx)
  return rows.toSorted((one, other) => one.row - other.row)
}

interface GatheredTile {
  readonly tile: number
  readonly gathered: Gathered
  readonly isWhole: boolean
}

/** Gathers what is found in each tile, from a place on, with what was gathered for its tile before. */
function gathering(first: number, open: Omit<GatheredTile, 'isWhole'>) {
  // bound: one call
  const tiles = [open]
  let index = first
  return {
    add(heads: Buffer, from: number): void {
      if (index % tileWidth === 0 && index > first) tiles.push({ tile: index / tileWidth, gathered: nothingGathered() })
      const last = tiles.at(-1)
      if (last !== undefined) gatherHead(last.gathered, heads, from)
      index++
    },
    tiles: (): GatheredTile[] => tiles.map(each => ({ ...each, isWhole: (each.tile + 1) * tileWidth <= index })),
  }
}
