import { checkOptions, each } from '@countersign/protocol/internal'
import { parseDatabaseUrl } from './database-url.js'
import { checkMigrations } from './migrate.js'
import type { Migration, Store, StoreLimits } from './store.js'

/**
 * Opens a database and brings the room's tables up to date; a second process doing the same waits.
 * @param options.url `sqlite:FILE` (created with mode 0600), `sqlite::memory:` or `postgres://…`
 * @param options.room names the migration table, `${room}_migrations`; several rooms may share a database
 * @param options.migrations every step ever released, in order
 * @param options.limits default: 64 writes a commit, 10 000 waiting, 5 s a change, 5 s for a lock
 * @throws TypeError for a wrong URL or list; StoreError `migrations` when the database is newer than the program
 * @example
 * ```ts
 * import { openStore } from '@countersign/store'
 *
 * const store = await openStore<{ visits: { page: string } }>({
 *   url: 'sqlite:visits.db',
 *   room: 'counter',
 *   migrations: [
 *     { name: '001-visits', up: db => db.schema.createTable('visits').addColumn('page', 'text').execute() },
 *   ],
 * })
 * await store.write(tx => tx.insertInto('visits').values({ page: '/' }).execute())
 * ```
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
  // Imported on demand, so that a program does not load the driver of the other database.
  if (target.dialect === 'postgres') {
    const { openPostgres } = await import('./postgres.js')
    return openPostgres<T>(target.urls, { room, migrations, limits })
  }
  const { openSqlite } = await import('./sqlite.js')
  return openSqlite<T>('file' in target ? target.file : undefined, { room, migrations, limits })
}
