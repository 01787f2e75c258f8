import { randomBytes, randomInt } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import type { AnyTables, Dialect } from './store.js'

/** Bytes that a probe writes: more than one page of either database, so that it needs room as other writes do. */
const probeBytes = 16 * 1024

const tableOf = (room: string): string => `${room}_write_probe`

/** Makes the table for probes. It holds no data and is no migration: programs without it can ignore it. */
export async function createProbe(tx: Kysely<AnyTables>, room: string, dialect: Dialect): Promise<void> {
  const bytes = sql.raw(dialect === 'sqlite' ? 'blob' : 'bytea')
  await sql`create table if not exists ${sql.table(tableOf(room))} (
    id bigint not null primary key, filler ${bytes} not null)`.execute(tx)
}

/** Writes new pages before it frees those of the last probe, so that it succeeds only when other writes find room, too. */
export async function probeSqlite<T>(tx: Kysely<T>, room: string): Promise<void> {
  const table = sql.table(tableOf(room))
  await sql`insert into ${table} (id, filler)
    select coalesce(max(id), 0) + 1, randomblob(${probeBytes}) from ${table}`.execute(tx)
  await sql`delete from ${table} where id < (select max(id) from ${table})`.execute(tx)
}

/** Uses a new row each time, under the weakest isolation: the probes of many instances must not conflict. */
export async function probePostgres<T>(db: Kysely<T>, room: string): Promise<void> {
  const table = sql.table(tableOf(room))
  const id = randomInt(2 ** 47)
  await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async tx => {
      await sql`insert into ${table} (id, filler) values (${id}, ${randomBytes(probeBytes)})`.execute(tx)
      await sql`delete from ${table} where id = ${id}`.execute(tx)
    })
}
