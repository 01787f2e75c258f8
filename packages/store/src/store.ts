import { checkOptions, each } from '@countersign/protocol'
import type { Kysely } from 'kysely'
import { parseDatabaseUrl } from './database-url.js'
import { checkMigrations, type Dialect, type Migration } from './migrate.js'

/** A database that one room opened and migrated. */
export interface Store<T> {
  readonly dialect: Dialect
  /** Reads of committed rows. Statements that change something are refused here. */
  readonly db: Kysely<T>
  /**
   * Runs `change` in a transaction and resolves when it is durably committed; when `change` throws, it alone is
   * rolled back and the error passed on. Concurrent writes share one commit on SQLite. `change` may run more than
   * once and must await nothing but `tx`, which works only until `change` ends.
   * @throws StoreError `overloaded`, `closed`, `timeout`, `misuse`
   */
  write<R>(change: (tx: Kysely<T>) => Promise<R>, options?: WriteOptions): Promise<R>
  /**
   * Resolves when the database answers and has taken and kept a write of 16 KiB.
   * @throws StoreError `unavailable` when a disk is full, say
   */
  check(): Promise<void>
  /**
   * Refuses further writes, waits for those under way, and closes. May be called twice. A SQLite file that no other process has open
   * then holds all data by itself.
   */
  close(): Promise<void>
}

/** How a write runs beside others. */
export interface WriteOptions {
  /**
   * Runs no two writes of this name and room at once, in any process, and each sees all that the ones before it committed. For
   * a change that counts rows and then adds one: without it, on PostgreSQL, many at once undo each other until some give up.
   * Default: writes run beside each other, and one that loses against another runs again.
   */
  readonly alone?: string
}

/** Bounds of a store. */
export interface StoreLimits {
  /** Most writes that share one commit. */
  readonly batch: number
  /** Most writes that wait. */
  readonly capacity: number
  /** Seconds one change may take; on PostgreSQL also each statement, reads included, and each wait of a write for its turn. */
  readonly change: number
  /** Seconds to wait for another process's lock. */
  readonly busy: number
}

/**
 * Opens a database and brings the room's tables up to date; a second process doing the same waits.
 * @param options.url `sqlite:FILE` (created with mode 0600), `sqlite::memory:` or `postgres://…`
 * @param options.room names the migration table, `${room}_migrations`; several rooms may share a database
 * @param options.migrations every step ever released, in order
 * @param options.limits default: 64 writes a commit, 10 000 waiting, 5 s a change, 5 s for a lock
 * @throws TypeError for a wrong URL or list; StoreError `migrations` when the database is newer than the program
 */
export async function openStore<T>(options: {
  readonly url: string
  readonly room: string
  readonly migrations: readonly Migration[]
  readonly limits?: Partial<StoreLimits>
}): Promise<Store<T>> {
  checkOptions(
    'openStore',
    options,
    {
      url: 'string',
      room: 'string',
      migrations: each('object'),
      limits: { batch: 'number', capacity: 'number', change: 'number', busy: 'number' },
    },
    ['url', 'room', 'migrations'],
  )
  const target = parseDatabaseUrl(options.url)
  const { room, migrations } = options
  checkMigrations(room, migrations)
  const limits: StoreLimits = { batch: 64, capacity: 10_000, change: 5, busy: 5, ...options.limits }
  // Imported when needed: a program on one database does not load the driver of the other.
  if (target.dialect === 'postgres') {
    const { openPostgres } = await import('./postgres.js')
    return openPostgres<T>(target.connectionString, room, migrations, limits)
  }
  const { openSqlite } = await import('./sqlite.js')
  return openSqlite<T>('file' in target ? target.file : undefined, room, migrations, limits)
}
