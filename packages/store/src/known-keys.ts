import { type Kysely, sql } from 'kysely'
import type { AnyTables, Store } from './store.js'

/** What to do with the names of keys that a database was used with. */
export type KnownKeys = 'check' | 'replace' | 'ignore'

const tableOf = (room: string): string => `${room}_known_keys`

/** Makes the table of names. It is no migration: programs that do not know it need not care. */
export async function createKnownKeys(tx: Kysely<AnyTables>, room: string): Promise<void> {
  await sql`create table if not exists ${sql.table(tableOf(room))} (name text not null primary key)`.execute(tx)
}

/**
 * Whether a room's database belongs to the keys that its program was given: one of them was there before, or none was. Then those given
 * are noted in place of those of before. A program whose key file is not mounted, and which made a new one, is found here.
 * @param names of the keys, e.g. thumbprints
 * @param how `check`; `replace` notes them whatever was there before; `ignore` looks at nothing and notes nothing
 */
export async function belongsTo<T>(
  store: Store<T>,
  room: string,
  names: readonly string[],
  how: KnownKeys,
): Promise<boolean> {
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
