import { checkOptions, type OptionChecks } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { type RawBuilder, sql } from 'kysely'
import type { KeptEvent, PlacedEvent } from '../event/event.js'
import { timeIn } from './event-id.js'
import { eventColumns, indexed } from './event-rows.js'
import type { AuditTableNames } from './tables.js'

/** Which events to list: those for which all members hold. */
export interface AuditQuery {
  readonly type?: string
  readonly agent?: string
  readonly delegate?: string
  /** `sub` of the user. */
  readonly user?: string
  readonly resource?: string
  readonly txn?: string
  /** Unix seconds, included. */
  readonly since?: number
  /** Unix seconds, not included. */
  readonly until?: number
  /** Events before this place only: `next` of the page before. */
  readonly before?: number
  /** The most events of a page, 1 to 1000; default 100. */
  readonly limit?: number
}

/** A page of events, the newest first. */
export interface AuditPage {
  readonly events: readonly PlacedEvent[]
  /** `before` for the next page; absent after the last. */
  readonly next?: number
}

const checks: OptionChecks<AuditQuery> = {
  ...{ type: 'string', agent: 'string', delegate: 'string', user: 'string', resource: 'string', txn: 'string' },
  ...{ since: 'number', until: 'number', before: 'number', limit: 'number' },
}

/** Reads a page of events. */
export async function listEvents(
  { db }: Pick<Store<unknown>, 'db'>,
  tables: AuditTableNames,
  query: AuditQuery,
): Promise<AuditPage> {
  checkOptions('list', query, checks)
  const { limit = 100 } = query
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new RangeError('limit must be 1 to 1000')
  const { rows } = await sql<{ seq: number; record: string }>`select seq, record from ${sql.table(tables.events)}
    where ${sql.join(conditionsOf(query), sql` and `)} order by seq desc limit ${limit + 1}`.execute(db)
  const events = rows.slice(0, limit).map(({ seq, record }) => placedEvent(seq, record))
  const last = events.at(-1)
  return { events, ...(rows.length > limit && last !== undefined && { next: last.index }) }
}

function conditionsOf(query: AuditQuery): RawBuilder<unknown>[] {
  const { since, until, before } = query
  const named = Object.entries(eventColumns).flatMap(([member, column]) => {
    const value = query[member as keyof typeof eventColumns]
    return value === undefined ? [] : [sql`${sql.ref(column)} = ${indexed(value)}`]
  })
  return [
    sql`seq >= 0`,
    ...named,
    ...(since === undefined ? [] : [sql`time >= ${since}`]),
    ...(until === undefined ? [] : [sql`time < ${until}`]),
    ...(before === undefined ? [] : [sql`seq < ${before}`]),
  ]
}

/** The event with this id; undefined where there is none, or it has no place yet. */
export async function findEvent(
  { db }: Pick<Store<unknown>, 'db'>,
  { events }: AuditTableNames,
  id: string,
): Promise<{ readonly event: PlacedEvent; readonly record: string } | undefined> {
  const time = timeIn(id)
  if (time === undefined) return undefined
  const { rows } = await sql<{ seq: number; record: string }>`
    select seq, record from ${sql.table(events)} where time = ${time} and id = ${id} limit 1`.execute(db)
  const [row] = rows
  return row && { event: placedEvent(row.seq, row.record), record: row.record }
}

function placedEvent(index: number, record: string): PlacedEvent {
  return { index, ...(JSON.parse(record) as KeptEvent) }
}
