import { randomBytes } from 'node:crypto'
import { prepared } from '@countersign/store'
import { atCommit } from '@countersign/store/internal'
import { type Kysely, PostgresAdapter, type QueryExecutorProvider, type RawBuilder, sql } from 'kysely'
import type { AuditEvent, KeptEvent, PersonalValue } from '../event/event.js'
import { recordAndLeaf, saltBytes } from '../event/leaf.js'
import { wellFormed } from '../event/well-formed.js'
import { eventId, lastSecond } from './event-id.js'
import { type AppendedEvent, headsOf, mostHeads } from './head.js'
import { type AuditTableNames, tablesOf } from './tables.js'

/** The longest record. Its leaf must fit into an entry of a bundle, 65 535 bytes. */
const maxRecord = 16_384
/** The most that one event may say of persons. */
const maxPersonal = 16

/**
 * Appends events within the caller's transaction: they are recorded if, and only if, it commits.
 * @param tx the transaction of `store.write`
 * @returns the ids of the events, in order
 * @throws TypeError for an event that is no JSON, has no type, or whose record is longer than 16 384 characters
 */
export type AppendEvents = (tx: QueryExecutorProvider, events: readonly AuditEvent[]) => Promise<readonly string[]>

/** @param now Unix seconds */
export function appenderTo(room: string, now: () => number): AppendEvents {
  const insert = insertInto(tablesOf(room))
  const leave = atCommit<AppendedEvent>(async (tx, events) => {
    for (let at = 0; at < events.length; at += mostHeads) {
      const row = events.slice(at, at + mostHeads)
      await insert(tx, row.map(({ record }) => record).join('\n'), headsOf(row))
    }
  })
  return async (tx, events) => {
    const appended = events.map(event => appendedEvent(keptEvent(event, now)))
    for (const each of appended) leave(tx, each)
    return appended.map(({ event }) => event.id)
  }
}

function appendedEvent(event: KeptEvent): AppendedEvent {
  try {
    const { record, leaf } = recordAndLeaf(event)
    if (record.length <= maxRecord) return { event, record, leaf }
  } catch (cause) {
    throw new TypeError('an event of the audit log holds what JSON has not, or is too deep', { cause })
  }
  throw new TypeError('an event of the audit log is too long')
}

/** Inserts records and the heads of their events. A row stays where it is: its place is stored beside it. */
function insertInto({ events, waiting }: AuditTableNames) {
  const insertRecords = prepared<unknown, { readonly records: string }>((on, { records }) => ({
    compile: () => sql`insert into ${sql.table(events)} (records) values (${records})`.compile(on),
  }))
  const insertHeads = prepared<unknown, { readonly heads: Buffer }>((on, { heads }) => ({
    compile: () =>
      sql`insert into ${sql.table(waiting)} (row_number, heads) values (${lastRow(on, events)}, ${heads})`.compile(on),
  }))
  return async (tx: Kysely<unknown>, records: string, heads: Buffer): Promise<void> => {
    await insertRecords(tx, { records })
    await insertHeads(tx, { heads })
  }
}

/**
 * The number of the row that was just inserted: `returning` would take longer than the insert. Of this table's own sequence: a trigger
 * of the operator may have used another one.
 */
function lastRow(on: Kysely<unknown>, events: string): RawBuilder<unknown> {
  if (!(on.getExecutor().adapter instanceof PostgresAdapter)) return sql`last_insert_rowid()`
  return sql`currval(pg_get_serial_sequence(${sql.lit(events)}, 'row_number'))`
}

function keptEvent(event: AuditEvent, now: () => number): KeptEvent {
  const { type, time = now(), agent, delegate, detail, resource, txn, grant, user, personal } = event
  if (typeof type !== 'string' || type === '') throw new TypeError('an event of the audit log has no type')
  const seconds = Math.floor(time)
  if (!(seconds >= 0 && seconds <= lastSecond)) throw new TypeError('the time of an audit event is none')
  if (![agent, delegate, resource, txn, grant].every(isText))
    throw new TypeError('a member of an audit event is no text')
  // All members at once: a copy of an object costs more than the rest of this function.
  return {
    agent,
    delegate,
    detail,
    grant,
    id: eventId(seconds),
    personal: salted(personal, user),
    resource,
    time: seconds,
    txn,
    type,
    v: 1,
  } as KeptEvent
}

const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'

/** The personal values, each with a salt of its own. */
function salted(personal: AuditEvent['personal'] = {}, user?: string): KeptEvent['personal'] {
  // Not from a literal: a member `__proto__` is a member like any other.
  const kept: Record<string, PersonalValue> = Object.fromEntries(
    Object.entries(personal).map(([name, value]) => [name, saltedValue(value)]),
  )
  if (user !== undefined) kept['user'] = saltedValue(user)
  const count = Object.keys(kept).length
  if (count > maxPersonal) throw new TypeError('an audit event has more than 16 personal members')
  return count === 0 ? undefined : kept
}

function saltedValue(value: unknown): PersonalValue {
  if (typeof value !== 'string') throw new TypeError('a personal member of an audit event is no text')
  return { salt: newSalt(), value: wellFormed(value) }
}

let randoms = Buffer.alloc(0)

/** A new salt in base64url. Many are made at once. */
function newSalt(): string {
  if (randoms.length === 0) randoms = randomBytes(saltBytes * 256)
  const salt = randoms.toString('base64url', 0, saltBytes)
  randoms = randoms.subarray(saltBytes)
  return salt
}
