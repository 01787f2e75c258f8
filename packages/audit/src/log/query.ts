import { checkOptions, type OptionChecks } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { PlacedEvent } from '../event/event.js'
import { wellFormed } from '../event/well-formed.js'
import { timeIn } from './event-id.js'
import { eventOf } from './event-rows.js'
import { type Findable, findable, findableValue } from './filter.js'
import { recordsBackwards } from './search.js'
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
  type: 'string',
  agent: 'string',
  delegate: 'string',
  user: 'string',
  resource: 'string',
  txn: 'string',
  since: 'number',
  until: 'number',
  before: 'number',
  limit: 'number',
}

/** Reads a page of events. */
export async function listEvents(
  { db }: Pick<Store<unknown>, 'db'>,
  tables: AuditTableNames,
  query: AuditQuery,
): Promise<AuditPage> {
  checkOptions('list', query, checks)
  const { limit = 100, since = 0, until = Number.POSITIVE_INFINITY, before } = query
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new RangeError('limit must be 1 to 1000')
  const named = findable.flatMap((member): Array<[Findable, string]> => {
    const value = member === 'user' && query.user !== undefined ? wellFormed(query.user) : query[member]
    return value === undefined ? [] : [[member, value]]
  })
  // bound: one call: limit, at most 1000
  const events: PlacedEvent[] = []
  for await (const placed of recordsBackwards({ db, tables }, { named, since, until, before })) {
    const event = eventOf(placed)
    if (event.time < since || event.time >= until) continue
    if (!named.every(([member, value]) => findableValue(event, member) === value)) continue
    const last = events.at(-1)
    if (events.length === limit && last !== undefined) return { events, next: last.index }
    events.push(event)
  }
  return { events }
}

/** The event with this id; undefined where there is none, or it has no place yet. */
export async function findEvent(
  { db }: Pick<Store<unknown>, 'db'>,
  tables: AuditTableNames,
  id: string,
): Promise<{ readonly event: PlacedEvent; readonly record: string } | undefined> {
  const time = timeIn(id)
  if (time === undefined) return undefined
  for await (const placed of recordsBackwards({ db, tables }, { named: [], since: time, until: time + 1, text: id })) {
    const event = eventOf(placed)
    if (event.id === id) return { event, record: placed.record }
  }
  return undefined
}
