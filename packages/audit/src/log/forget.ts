import type { Store } from '@countersign/store'
import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import type { KeptEvent } from '../event/event.js'
import { forgottenEvent, recordOf } from '../event/leaf.js'
import { indexed } from './event-rows.js'
import type { AuditTableNames } from './tables.js'

/** The most events of a user that are changed in one transaction. */
const mostEvents = 200

/** Notes in the caller's transaction that a user is to be forgotten. */
export async function noteForgotten(
  tx: QueryExecutorProvider,
  { forgotten }: AuditTableNames,
  sub: string,
): Promise<void> {
  await sql`insert into ${sql.table(forgotten)} (user_sub) values (${indexed(sub)}) on conflict do nothing`.execute(tx)
}

/** Removes the personal values of users that are to be forgotten, a part at a time, and then the note. */
export async function forgetNoted({
  store,
  tables,
}: {
  readonly store: Store<unknown>
  readonly tables: AuditTableNames
}): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ user_sub: string }>`
      select user_sub from ${sql.table(tables.forgotten)} limit 1`.execute(store.db)
    const [next] = rows
    if (next === undefined) return
    await store.write(tx => forgetPart(tx, tables, next.user_sub), { alone: 'audit' })
  }
}

async function forgetPart(tx: Kysely<unknown>, tables: AuditTableNames, sub: string): Promise<void> {
  const { rows } = await sql<{ seq: number; record: string }>`select seq, record from ${sql.table(tables.events)}
    where user_sub = ${sub} order by seq limit ${mostEvents}`.execute(tx)
  for (const { seq, record } of rows) {
    const rest = recordOf(forgottenEvent(JSON.parse(record) as KeptEvent)).record
    await sql`update ${sql.table(tables.events)} set user_sub = null, record = ${rest} where seq = ${seq}`.execute(tx)
  }
  if (rows.length < mostEvents)
    await sql`delete from ${sql.table(tables.forgotten)} where user_sub = ${sub}`.execute(tx)
}
