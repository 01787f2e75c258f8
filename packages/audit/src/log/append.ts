import { type Prepared, prepared } from '@countersign/store'
import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import type { AuditEvent, KeptEvent } from '../event/event.js'
import { eventId, lastSecond } from './event-id.js'
import { tablesOf } from './tables.js'

/** The longest text of one event. Its leaf must fit into an entry of a bundle, 65 535 bytes. */
const maxEvent = 16_384
/** The most that one event may say of persons. */
const maxPersonal = 16

/** An event that waits for its place: personal values get their salts with it. */
export interface WaitingEvent extends Omit<KeptEvent, 'personal' | 'v'> {
  readonly personal?: Readonly<Record<string, string>>
}

/**
 * Appends events within the caller's transaction: they are recorded if, and only if, it commits.
 * @param tx the transaction of `store.write`
 * @returns the ids of the events, in order
 * @throws TypeError for an event that is no JSON, has no type, or is longer than 16 384 characters
 */
export type AppendEvents = (tx: QueryExecutorProvider, events: readonly AuditEvent[]) => Promise<readonly string[]>

/** @param now Unix seconds */
export function appenderTo(room: string, now: () => number): AppendEvents {
  const { waiting } = tablesOf(room)
  // One row for all events of a transaction, without an index: the sequencer does the rest for many at once.
  const insert: Prepared<unknown, { readonly events: string }, unknown> = prepared((on, { events }) => ({
    compile: () => sql`insert into ${sql.table(waiting)} (events) values (${events})`.compile(on),
  }))
  return async (tx, events) => {
    const kept = events.map(event => waitingEvent(event, now))
    if (kept.length === 0) return []
    const texts = kept.map(event => {
      const text = JSON.stringify(event)
      if (text.length > maxEvent) throw new TypeError('an event of the audit log is too long')
      return text
    })
    await insert(tx as Kysely<unknown>, { events: `[${texts.join(',')}]` })
    return kept.map(({ id }) => id)
  }
}

function waitingEvent(event: AuditEvent, now: () => number): WaitingEvent {
  const { type, time = now(), agent, delegate, resource, txn, grant, user, detail } = event
  const said = user === undefined ? event.personal : { ...event.personal, user }
  const personal = said === undefined || Object.keys(said).length === 0 ? undefined : said
  if (typeof type !== 'string' || type === '') throw new TypeError('an event of the audit log has no type')
  const values = Object.values(personal ?? {})
  if (values.length > maxPersonal || !values.every(value => typeof value === 'string'))
    throw new TypeError('personal members of an audit event are texts, 16 at most')
  const seconds = Math.floor(time)
  if (!(seconds >= 0 && seconds <= lastSecond)) throw new TypeError('the time of an audit event is none')
  const facts = { agent, delegate, resource, txn, grant }
  for (const value of Object.values(facts))
    if (value !== undefined && typeof value !== 'string') throw new TypeError('a member of an audit event is no text')
  return { id: eventId(seconds), type, time: seconds, ...facts, personal, detail: checked(detail, 0) } as WaitingEvent
}

/** The deepest that a detail may nest: the canonical form refuses more, when it is too late to refuse the event. */
const maxDepth = 12

function checked<V>(value: V, depth: number): V {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError('an audit event holds a number that JSON has not')
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) throw new TypeError('an event of the audit log is too deep')
  for (const each of Object.values(value)) checked(each, depth + 1)
  return value
}
