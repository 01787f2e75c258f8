import { type Kysely, sql } from 'kysely'
import type { AnyTables } from './store.js'

/** How to treat the names of the keys that a database was used with. */
export type KnownKeys = 'check' | 'replace' | 'ignore'

/** What is different of the names of a program's keys. */
export interface ChangedKeys {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

const tableOf = (room: string): string => `${room}_known_keys`

/** Makes the table of names. It is no migration: programs without it can ignore it. */
export async function createKnownKeys(tx: Kysely<AnyTables>, room: string): Promise<void> {
  await sql`create table if not exists ${sql.table(tableOf(room))} (name text not null primary key)`.execute(tx)
}

/** The names of the keys that a room's database was used with. */
export async function knownNames<T>(tx: Kysely<T>, room: string): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(tableOf(room))}`.execute(tx)
  return new Set(rows.map(({ name }) => name))
}

/**
 * Records the names of the keys that a room's database is used with, in place of those that are `known`.
 * @returns undefined where they are the same
 */
export async function recordNames<T>(
  tx: Kysely<T>,
  room: string,
  { names, known }: { readonly names: readonly string[]; readonly known: ReadonlySet<string> },
): Promise<ChangedKeys | undefined> {
  if (names.length === known.size && names.every(name => known.has(name))) return undefined
  const table = sql.table(tableOf(room))
  await sql`delete from ${table}`.execute(tx)
  for (const name of new Set(names)) await sql`insert into ${table} (name) values (${name})`.execute(tx)
  return {
    added: names.filter(name => !known.has(name)),
    removed: [...known].filter(name => !names.includes(name)),
  }
}
