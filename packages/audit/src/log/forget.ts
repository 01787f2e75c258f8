import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import { forgottenEvent, recordOf } from '../event/leaf.js'
import { wellFormed } from '../event/well-formed.js'
import {
  changedRecord,
  eventIn,
  eventsOf,
  type RecordRow,
  readRecords,
  runsOf,
  type WaitingRow,
  writeRecords,
} from './event-rows.js'
import { findableValue, gatheredOf, keyOf, mayHold } from './filter.js'
import { writeFilter } from './filter-rows.js'
import { dropUser, headBytes, holdsUser } from './head.js'
import type { LogContext } from './log-context.js'
import { tilesBackwards } from './search.js'
import type { AuditTableNames } from './tables.js'

/** The most notes in one round. */
const mostNotes = 100
/** Seconds that a note stays: events that were under way, such as refusals that are counted for ten minutes, have their places then. */
const stays = 1800

/**
 * Notes in the caller's transaction that a user is to be forgotten. As JSON: a database takes no NUL, and no half of a surrogate pair.
 */
export async function noteForgotten(
  tx: QueryExecutorProvider,
  { forgotten }: AuditTableNames,
  { sub, now }: { readonly sub: string; readonly now: number },
): Promise<void> {
  await sql`insert into ${sql.table(forgotten)} (user_sub, noted, passed)
    values (${JSON.stringify(wellFormed(sub))}, ${Math.floor(now)}, 0)`.execute(tx)
}

/**
 * Forgets users in events that get their places while the users are noted.
 * @returns the rows, with the heads that they have then
 */
export async function forgetInRows(
  tx: Kysely<unknown>,
  { tables, store }: Pick<LogContext, 'tables' | 'store'>,
  rows: readonly WaitingRow[],
): Promise<readonly WaitingRow[]> {
  const { rows: notes } = await sql<Pick<Note, 'user_sub'>>`
    select distinct user_sub from ${sql.table(tables.forgotten)}`.execute(tx)
  if (notes.length === 0) return rows
  const users = usersOf(notes)
  // bound: one call
  const keys = new Set([...users].map(user => keyOf('user', user)))
  const held = rows.filter(({ heads }) => holdsUser(heads, keys))
  if (held.length === 0) return rows
  const table = { events: tables.events, dialect: store.dialect }
  const heads = new Map(held.map(({ row, heads }) => [row, Buffer.from(heads)]))
  const before = await readRecords(tx, table, held)
  const after = before.map(row => rowWithout(row, users))
  for (const [at, { row, records }] of after.entries())
    for (const [place, record] of records.entries())
      if (record !== before[at]?.records[place]) dropUser(heads.get(row) ?? Buffer.alloc(0), place * headBytes)
  await writeRecords(tx, table, after)
  return rows.map(row => ({ ...row, heads: heads.get(row.row) ?? row.heads }))
}

/**
 * Removes the personal values of users who are noted, a tile in each transaction: once at once, and once when the note ends, for what
 * another instance was just placing.
 * @param how.mayEnd whether notes may end: not while events still wait that may be older than a note
 */
export async function forgetNoted(
  { store, tables, now }: LogContext,
  { mayEnd }: { readonly mayEnd: boolean },
): Promise<void> {
  const ended = Math.floor(now()) - stays
  const { rows } = await sql<Note>`select user_sub, noted from ${sql.table(tables.forgotten)}
    where passed = 0 ${mayEnd ? sql`or noted < ${ended}` : sql``} order by noted limit ${mostNotes}`.execute(store.db)
  if (rows.length === 0) return
  const users = usersOf(rows)
  const holds = (bits: Uint8Array): boolean => [...users].some(sub => mayHold(bits, [['user', sub]]))
  for await (const tile of tilesBackwards({ db: store.db, tables }, { holds }))
    await store.write(tx => forgetIn(tx, { tables, store }, { tile, users }), { alone: 'audit' })
  await store.write(async tx => {
    // A note of the same user that was made meanwhile is none of these.
    for (const { user_sub, noted } of rows)
      await (mayEnd && noted < ended
        ? sql`delete from ${sql.table(tables.forgotten)} where user_sub = ${user_sub} and noted = ${noted}`
        : sql`update ${sql.table(tables.forgotten)} set passed = 1 where user_sub = ${user_sub} and noted = ${noted}`
      ).execute(tx)
  })
}

interface Note {
  readonly user_sub: string
  readonly noted: number
}

/** The users of notes. One that was changed in the database until it is none must stop nothing. */
function usersOf(notes: ReadonlyArray<Pick<Note, 'user_sub'>>): ReadonlySet<string> {
  return new Set(
    notes.flatMap(({ user_sub }) => {
      try {
        const sub: unknown = JSON.parse(user_sub)
        return typeof sub === 'string' ? [sub] : []
      } catch {
        return []
      }
    }),
  )
}

async function forgetIn(
  tx: Kysely<unknown>,
  { tables, store }: Pick<LogContext, 'tables' | 'store'>,
  { tile, users }: { readonly tile: number; readonly users: ReadonlySet<string> },
): Promise<void> {
  const runs = await runsOf(tx, tables, tile)
  const rest = runs.map(run => rowWithout(run, users))
  const changed = rest.filter(({ records }, at) => records.some((record, place) => record !== runs[at]?.records[place]))
  if (changed.length === 0) return
  await writeRecords(tx, { events: tables.events, dialect: store.dialect }, changed)
  const { rows } = await sql<{ whole: number | null }>`
    select whole from ${sql.table(tables.filters)} where tile = ${tile}`.execute(tx)
  const [filter] = rows
  if (filter !== undefined) await writeFilter(tx, tables, { tile, gathered: gatheredOf(eventsOf(rest)), ...filter })
}

const rowWithout = ({ row, records }: RecordRow, users: ReadonlySet<string>): RecordRow => ({
  row,
  records: records.map(record => withoutUser(record, users)),
})

function withoutUser(record: string, users: ReadonlySet<string>): string {
  if (!record.includes('"user":{"salt"')) return record
  const event = eventIn(record)
  const user = event && findableValue(event, 'user')
  if (event === undefined || user === undefined || !users.has(user)) return record
  try {
    return recordOf(forgottenEvent(event))
  } catch {
    // It was changed in the database, so that it fails verification as it is. Nothing of it stays.
    return changedRecord
  }
}
