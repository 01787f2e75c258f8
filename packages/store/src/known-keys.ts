import { type Kysely, sql } from 'kysely'
import type { AnyTables, Store } from './store.js'

/** How to treat the names of the keys that a database was used with. */
export type KnownKeys = 'check' | 'replace' | 'ignore'

/** The keys that a program has, and how to treat those that its database was used with. */
export interface NamedKeys {
  /** Names of the program's keys, e.g. thumbprints. */
  readonly names: readonly string[]
  /** `check` checks; `replace` records the names without a check; `ignore` neither checks nor records. */
  readonly how: KnownKeys
}

const tableOf = (room: string): string => `${room}_known_keys`

/** Makes the table of names. It is no migration: programs without it can ignore it. */
export async function createKnownKeys(tx: Kysely<AnyTables>, room: string): Promise<void> {
  await sql`create table if not exists ${sql.table(tableOf(room))} (name text not null primary key)`.execute(tx)
}

/**
 * Whether a room's database was used with the program's keys: one of them is recorded, or no key is. If so, the names are recorded
 * in place of the old ones. This detects a program whose key file is not mounted and which has made a new one.
 */
export async function belongsTo<T>(store: Store<T>, room: string, { names, how }: NamedKeys): Promise<boolean> {
  if (how === 'ignore') return true
  const table = sql.table(tableOf(room))
  return store.write(async tx => {
    const { rows } = await sql<{ name: string }>`select name from ${table}`.execute(tx)
    const known = new Set(rows.map(({ name }) => name))
    if (how === 'check' && known.size > 0 && !names.some(name => known.has(name))) return false
    if (names.length === known.size && names.every(name => known.has(name))) return true
    await sql`delete from ${table}`.execute(tx)
    for (const name of new Set(names)) await sql`insert into ${table} (name) values (${name})`.execute(tx)
    return true
  })
}
