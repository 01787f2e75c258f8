import type { Kysely } from 'kysely'
import type { Migration, Store } from './store.js'

/** One own key of a server. Times are Unix seconds. */
export interface OwnKeyRow {
  generation: number
  kid: string
  published: number
  signs: number
  public_jwk: string
  /** The private JWK, a secret; null once the key no longer signs, and for a given key. */
  private_jwk: string | null
  /** When it left the JWK set. */
  retired: number | null
  /** When the server was first started with it, for a key of its options; null for one that the rotation made. */
  given: number | null
  /** When an operator revoked it. */
  revoked: number | null
}

/** The tables of own keys, by their names. */
export type KeyTables = Record<string, OwnKeyRow>

/** The own keys of one room. */
export interface KeyRoom {
  readonly table: string
  readonly db: Kysely<KeyTables>
  readonly write: Store<KeyTables>['write']
}

/** @param room of the store */
export function keyRoom<T>(store: Store<T>, room: string): KeyRoom {
  const { db, write } = store as unknown as Store<KeyTables>
  return { table: tableOf(room), db, write }
}

const tableOf = (room: string): string => `${room}_keys`

/** The table of own keys of a room. */
export function ownKeysMigration(name: string, room: string): Migration {
  return {
    name,
    async up(db) {
      await db.schema
        .createTable(tableOf(room))
        .addColumn('generation', 'integer', column => column.primaryKey())
        .addColumn('kid', 'text', column => column.notNull().unique())
        .addColumn('published', 'double precision', column => column.notNull())
        .addColumn('signs', 'double precision', column => column.notNull())
        .addColumn('public_jwk', 'text', column => column.notNull())
        .addColumn('private_jwk', 'text')
        .addColumn('retired', 'double precision')
        .addColumn('given', 'double precision')
        .addColumn('revoked', 'double precision')
        .execute()
    },
  }
}
