import type { Dialect } from '@countersign/store'
import { type Kysely, sql } from 'kysely'
import { AuditError } from '../audit-error.js'
import type { KeptEvent, PlacedEvent } from '../event/event.js'
import { tileWidth } from '../tree/tile.js'
import { elementsOf } from './elements.js'
import { findable } from './filter.js'
import { headBytes } from './head.js'
import type { AuditTableNames } from './tables.js'

/** In place of a record that was changed in the database until it is none. */
export const changedRecord = '{"v":0}'

/** A record with its place. */
export interface PlacedRecord {
  readonly index: number
  readonly record: string
}

/** The records of a row: stored as a line each, for JSON has no line feed of its own. */
export interface RecordRow {
  readonly row: number
  readonly records: readonly string[]
}

/** Records that follow each other in one tile. */
export interface Run extends RecordRow {
  /** The place of the first. */
  readonly first: number
}

/** Events that were appended together, and wait for their places. */
export interface WaitingRow {
  readonly row: number
  /** The heads of its events, one after another. */
  readonly heads: Buffer
}

/** How many events a row holds. */
export const eventsIn = ({ heads }: WaitingRow): number => Math.floor(heads.length / headBytes)

/**
 * Gives rows their places from `first` on. A row is divided where a tile ends, so that none stands in two.
 */
export async function placeRows(
  tx: Kysely<unknown>,
  { tables, dialect }: { readonly tables: AuditTableNames; readonly dialect: Dialect },
  { first, rows }: { readonly first: number; readonly rows: readonly WaitingRow[] },
): Promise<void> {
  const table = { events: tables.events, dialect }
  const placed: Array<readonly [first: number, row: number]> = []
  let at = first
  for (const waiting of rows) {
    const end = at + eventsIn(waiting)
    const border = Math.ceil((at + 1) / tileWidth) * tileWidth
    // Heads that were changed in the database until they are none: a row without a place would never be removed.
    if (end === at) await sql`delete from ${sql.table(tables.events)} where row_number = ${waiting.row}`.execute(tx)
    else placed.push([at, waiting.row])
    if (end > border) placed.push([border, await divideRow(tx, table, { row: waiting.row, after: border - at })])
    at = end
  }
  await sql`insert into ${sql.table(tables.runs)} (first, row_number)
    select cast(value->>0 as bigint), cast(value->>1 as bigint) from ${elementsOf(placed, dialect)} where true
    on conflict (first) do update set row_number = excluded.row_number`.execute(tx)
}

/** The table of records. */
export interface RecordTable {
  readonly events: string
  readonly dialect: Dialect
}

/** Moves what follows the first records of a row into a row of its own, and returns that. */
async function divideRow(
  tx: Kysely<unknown>,
  table: RecordTable,
  { row, after }: { readonly row: number; readonly after: number },
): Promise<number> {
  const [whole] = await readRecords(tx, table, [{ row }])
  const records = whole?.records ?? []
  await writeRecords(tx, table, [{ row, records: records.slice(0, after) }])
  const { rows } = await sql<{ row: number }>`insert into ${sql.table(table.events)} (records)
    values (${records.slice(after).join('\n')}) returning row_number as row`.execute(tx)
  return rows[0]?.row ?? 0
}

/** Reads the records of rows. */
export async function readRecords(
  tx: Kysely<unknown>,
  { events, dialect }: RecordTable,
  of: ReadonlyArray<{ readonly row: number }>,
): Promise<readonly RecordRow[]> {
  const numbers = elementsOf(
    of.map(({ row }) => [row]),
    dialect,
  )
  const { rows } = await sql<StoredRow>`
    select row_number as row, records from ${sql.table(events)}
    where row_number in (select cast(value->>0 as bigint) from ${numbers})`.execute(tx)
  return rows.map(recordRow)
}

interface StoredRow {
  readonly row: number
  readonly records: string
}

const recordRow = ({ row, records }: StoredRow): RecordRow => ({ row, records: records.split('\n') })

/** Writes the records of rows anew, in one statement: a row each would take as many round trips. */
export async function writeRecords(
  tx: Kysely<unknown>,
  { events, dialect }: RecordTable,
  rows: readonly RecordRow[],
): Promise<void> {
  const changed = elementsOf(
    rows.map(({ row, records }) => [row, records.join('\n')]),
    dialect,
  )
  await sql`update ${sql.table(events)} set records = changed.records
    from (select cast(value->>0 as bigint) as number, value->>1 as records from ${changed}) as changed
    where row_number = changed.number`.execute(tx)
}

/** The runs of a tile, in order. */
export async function runsOf(
  db: Kysely<unknown>,
  { events, runs }: AuditTableNames,
  tile: number,
): Promise<readonly Run[]> {
  const { rows } = await sql<
    StoredRow & Pick<Run, 'first'>
  >`select first, records, events.row_number as row from ${sql.table(runs)} as runs
    join ${sql.table(events)} as events on events.row_number = runs.row_number
    where first >= ${tile * tileWidth} and first < ${(tile + 1) * tileWidth} order by first`.execute(db)
  return rows.map(({ first, ...stored }) => ({ first, ...recordRow(stored) }))
}

/** The records of runs. */
export function recordsOf(runs: readonly Run[]): PlacedRecord[] {
  return runs.flatMap(({ first, records }) => records.map((record, at) => ({ index: first + at, record })))
}

/** The events of rows. A record that was changed is noticed by those who verify the log, and stops nothing here. */
export function eventsOf(rows: readonly RecordRow[]): KeptEvent[] {
  return rows.flatMap(({ records }) => records.flatMap(record => eventIn(record) ?? []))
}

/**
 * The event of a record with its place.
 * @throws AuditError `malformed` for a record that is none: it is not as it was logged
 */
export function eventOf({ index, record }: PlacedRecord): PlacedEvent {
  const event = eventIn(record)
  if (event === undefined)
    throw new AuditError('malformed', 'a record in the database is no event: export the log and verify it')
  return { index, ...event }
}

/** The event of a record; undefined where it was changed in the database until it is none. */
export function eventIn(record: string): KeptEvent | undefined {
  try {
    const event: unknown = JSON.parse(record)
    return isEvent(event) ? event : undefined
  } catch {
    return undefined
  }
}

/** Whether a value has what events are found by: anything else was changed in the database, and must stop nothing. */
function isEvent(value: unknown): value is KeptEvent {
  if (!isObject(value) || !Number.isSafeInteger(value['time'])) return false
  const { personal } = value
  if (personal !== undefined && !(isObject(personal) && (personal['user'] === undefined || isObject(personal['user']))))
    return false
  for (const member of findable) if (value[member] !== undefined && typeof value[member] !== 'string') return false
  return true
}

function isObject(value: unknown): value is Partial<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
