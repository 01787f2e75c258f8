import { type Kysely, sql } from 'kysely'
import { createKnownKeys } from './known-keys.js'
import type { AnyTables, Dialect, Migration, StoreLimits } from './store.js'
import { StoreError } from './store-error.js'
import { createProbe } from './write-probe.js'

/** A room, which names the tables in the database, and its schema. */
export interface MigratedRoom {
  readonly room: string
  readonly migrations: readonly Migration[]
}

/** What both kinds of database need to open the store of a room. */
export interface OpenedRoom extends MigratedRoom {
  readonly limits: StoreLimits
}

/**
 * Checks a room's name and its list of migrations.
 * @throws TypeError for a room that cannot be part of a table name, or a migration name used twice.
 */
export function checkMigrations(room: string, migrations: readonly Migration[]): void {
  if (!/^[a-z][a-z0-9_]{0,39}$/.test(room)) {
    throw new TypeError('room must be 1 to 40 of a-z, 0-9 and _, beginning with a letter')
  }
  const names = new Set(migrations.map(migration => migration.name))
  if (names.size !== migrations.length) throw new TypeError('two migrations have the same name')
  if (names.has('')) throw new TypeError('a migration has no name')
}

/**
 * Applies the migrations that the database does not have yet. The caller holds a transaction and the lock that keeps
 * other processes from migrating the same room.
 * @throws StoreError `migrations` when the database holds a migration this list does not begin with:
 * an older program must not write to a newer schema.
 */
export async function applyMigrations(
  tx: Kysely<AnyTables>,
  { room, migrations }: MigratedRoom,
  dialect: Dialect,
): Promise<void> {
  const table = `${room}_migrations`
  await sql`create table if not exists ${sql.table(table)} (
    position integer not null primary key,
    name text not null unique,
    applied_at text not null default (cast(current_timestamp as text))
  )`.execute(tx)
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)} order by position`.execute(tx)
  for (const [position, { name }] of rows.entries()) {
    if (migrations[position]?.name === name) continue
    throw new StoreError('migrations', 'the database was migrated by a newer or another program', {
      cause: { table, position, found: name, expected: migrations[position]?.name },
    })
  }
  await createProbe(tx, room, dialect)
  await createKnownKeys(tx, room)
  for (const [index, migration] of migrations.slice(rows.length).entries()) {
    await migration.up(tx, dialect)
    await sql`insert into ${sql.table(table)} (position, name)
      values (${rows.length + index}, ${migration.name})`.execute(tx)
  }
}
