import { randomBytes } from 'node:crypto'
import type { Store } from '@countersign/store'
import { type Kysely, sql } from 'kysely'
import type { KeptEvent, PersonalValue } from '../event/event.js'
import { recordOf, saltBytes } from '../event/leaf.js'
import { growTree } from '../tree/growth.js'
import { leafHash } from '../tree/hash.js'
import type { WaitingEvent } from './append.js'
import { insertEvents } from './event-rows.js'
import type { AuditTableNames } from './tables.js'
import { openEdge, writeTiles } from './tile-rows.js'

/** The most appends that get their places in one transaction: many share the pages of the indexes, and other writes come in between. */
const mostAppends = 1024

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
export async function placeEvents({
  store,
  tables,
}: {
  readonly store: Store<unknown>
  readonly tables: AuditTableNames
}): Promise<Sequenced> {
  return store.write(tx => placeIn(tx, { tables, store }), { alone: 'audit' })
}

async function placeIn(
  tx: Kysely<unknown>,
  { tables, store }: { readonly tables: AuditTableNames; readonly store: Store<unknown> },
): Promise<Sequenced> {
  const rows = await takeWaiting(tx, tables)
  const edge = await openEdge(tx, tables)
  const size = edge.from.size
  const events = rows.flatMap(({ events }) => JSON.parse(events) as WaitingEvent[])
  if (events.length === 0) return { size, isMore: false }
  const tree = growTree(edge.from, edge.onTileHash)
  const nextSalt = salts(events.reduce((sum, { personal }) => sum + countOf(personal), 0))
  const placed = events.map((event, at) => {
    const personal = salted(event.personal, nextSalt)
    const { record, leaf } = recordOf({ ...event, v: 1, personal } as KeptEvent)
    tree.append(leafHash(leaf))
    return { seq: size + at, event, record }
  })
  await insertEvents(tx, { tables, dialect: store.dialect, placed })
  await writeTiles(tx, { tables, dialect: store.dialect, tiles: edge.changed() })
  return { size: tree.size, isMore: rows.length === mostAppends }
}

/** Takes appends off the queue. Rows whose transactions commit later, with a smaller place, are taken the next time. */
async function takeWaiting(tx: Kysely<unknown>, { waiting }: AuditTableNames): Promise<Array<{ events: string }>> {
  const { rows } = await sql<{ place: number; events: string }>`
    select place, events from ${sql.table(waiting)} order by place limit ${mostAppends}`.execute(tx)
  if (rows.length === 0) return []
  await sql`delete from ${sql.table(waiting)} where place in (${sql.join(rows.map(({ place }) => place))})`.execute(tx)
  return rows
}

const countOf = (personal: object | undefined): number => Object.keys(personal ?? {}).length

/** So many salts, from one call for all of their bytes. */
function salts(count: number): () => Buffer {
  const bytes = randomBytes(saltBytes * count)
  let used = 0
  return () => {
    used += saltBytes
    return bytes.subarray(used - saltBytes, used)
  }
}

function salted(
  personal: Readonly<Record<string, string>> | undefined,
  nextSalt: () => Buffer,
): Readonly<Record<string, PersonalValue>> | undefined {
  if (personal === undefined) return undefined
  return Object.fromEntries(
    Object.entries(personal).map(([name, value]) => [name, { salt: nextSalt().toString('base64url'), value }]),
  )
}
