import type { Dialect } from '@countersign/store'
import { type Kysely, sql } from 'kysely'
import type { WaitingEvent } from './append.js'
import type { AuditTableNames } from './tables.js'

/** The most characters of a value in an index: PostgreSQL refuses rows of an index that are longer than 2 704 bytes. */
const maxIndexed = 512

/** The columns by which events are found. */
export const eventColumns = {
  type: 'type',
  agent: 'agent',
  delegate: 'agent_delegate',
  user: 'user_sub',
  resource: 'resource',
  txn: 'txn',
} as const

/** An event with its place, ready to be stored. */
export interface PlacedRow {
  readonly seq: number
  readonly event: WaitingEvent
  readonly record: string
}

/**
 * A value as it stands in its column, where it only serves to find the record: a database must not refuse an event that was accepted,
 * for its length, a NUL or half a surrogate pair.
 */
export function indexed(value: string): string
export function indexed(value: string | undefined): string | null
export function indexed(value: string | undefined): string | null {
  if (value === undefined) return null
  const short = value.slice(0, maxIndexed)
  return /[\0\ud800-\udfff]/.test(short) ? Buffer.from(short).toString().replaceAll('\0', '') : short
}

/** Inserts events, all in one statement with one parameter. */
export async function insertEvents(
  tx: Kysely<unknown>,
  {
    tables,
    dialect,
    placed,
  }: { readonly tables: AuditTableNames; readonly dialect: Dialect; readonly placed: readonly PlacedRow[] },
): Promise<void> {
  const rows = placed.map(({ seq, event, record }) => {
    const { id, time, type, agent, delegate, personal, resource, txn } = event
    const found = [agent, delegate, personal?.['user'], resource, txn]
    return [seq, id, time, indexed(type), ...found.map(indexed), record]
  })
  const json = JSON.stringify(rows)
  const columns = sql.raw('seq, id, time, type, agent, agent_delegate, user_sub, resource, txn, record')
  const into = sql`insert into ${sql.table(tables.events)} (${columns})`
  const texts = sql.raw([3, 4, 5, 6, 7, 8, 9].map(at => `value->>${at}`).join(', '))
  await (dialect === 'sqlite'
    ? sql`${into} select value->>0, value->>1, value->>2, ${texts} from json_each(${json})`
    : sql`${into} select (value->>0)::bigint, value->>1, (value->>2)::bigint, ${texts} from jsonb_array_elements(${json}::jsonb) t(value)`
  ).execute(tx)
}
