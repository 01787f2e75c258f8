import type { Store } from '@countersign/store'
import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import type { KeptEvent } from '../event/event.js'
import { forgottenEvent, recordOf } from '../event/leaf.js'
import { indexed } from './event-rows.js'
import type { AuditTableNames } from './tables.js'

/** The most events of a user that are changed in one transaction. */
const mostEvents = 200
/** The most users in one round. */
const mostUsers = 100

/** Notes in the caller's transaction that a user is to be forgotten. */
export async function noteForgotten(
  tx: QueryExecutorProvider,
  { forgotten }: AuditTableNames,
  sub: string,
): Promise<void> {
  await sql`insert into ${sql.table(forgotten)} (user_sub) values (${indexed(sub)}) on conflict do nothing`.execute(tx)
}

/** The users that are to be forgotten, some at a time. */
export async function notedUsers(store: Store<unknown>, { forgotten }: AuditTableNames): Promise<readonly string[]> {
  const { rows } = await sql<{ user_sub: string }>`
    select user_sub from ${sql.table(forgotten)} order by user_sub limit ${mostUsers}`.execute(store.db)
  return rows.map(({ user_sub }) => user_sub)
}

/** Removes the personal values of a user, a part at a time, and then the note. */
export async function forgetUserIn(store: Store<unknown>, tables: AuditTableNames, sub: string): Promise<void> {
  let isMore: boolean
  do isMore = await store.write(tx => forgetPart(tx, tables, sub), { alone: 'audit' })
  while (isMore)
}

/** Resolves with whether there is more. */
async function forgetPart(tx: Kysely<unknown>, tables: AuditTableNames, sub: string): Promise<boolean> {
  const { rows } = await sql<{ seq: number; record: string }>`select seq, record from ${sql.table(tables.events)}
    where user_sub = ${sub} order by seq limit ${mostEvents}`.execute(tx)
  for (const { seq, record } of rows) {
    const rest = recordOf(forgottenEvent(JSON.parse(record) as KeptEvent)).record
    await sql`update ${sql.table(tables.events)} set user_sub = null, record = ${rest} where seq = ${seq}`.execute(tx)
  }
  if (rows.length === mostEvents) return true
  await sql`delete from ${sql.table(tables.forgotten)} where user_sub = ${sub}`.execute(tx)
  return false
}
