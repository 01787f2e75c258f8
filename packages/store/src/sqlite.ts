import { closeSync, existsSync, fdatasync, openSync, realpathSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, SqliteDialect, sql } from 'kysely'
import { commitBatch, inTransaction } from './commit-batch.js'
import { type LibsqlDatabase, libsqlDatabase, sqliteCode } from './libsql-database.js'
import { applyMigrations, type OpenedRoom } from './migrate.js'
import type { AnyTables, Store } from './store.js'
import { StoreError } from './store-error.js'
import { type Datasync, type WriteAheadLog, writeAheadLog } from './write-ahead-log.js'
import { probeSqlite } from './write-probe.js'
import { writeQueue } from './write-queue.js'
import { readsOnly } from './write-scope.js'

/** Seconds to wait while another process migrates. */
const migrationWait = 60

/** Opens a SQLite file, or a database in memory when `file` is undefined. */
export async function openSqlite<T>(
  file: string | undefined,
  { room, migrations, limits, datasync = fdatasync }: OpenedRoom & { readonly datasync?: Datasync },
): Promise<Store<T>> {
  const connections = await connect<T>(file, datasync)
  const { database, writer, reader } = connections
  try {
    const begin = (): Promise<void> => connections.begin(migrationWait)
    await inTransaction({ database, writer, begin }, connection =>
      applyMigrations(connection as unknown as Kysely<AnyTables>, { room, migrations }, 'sqlite'),
    )
    connections.syncApart()
  } catch (error) {
    await connections.close()
    throw error
  }
  const begin = (): Promise<void> => connections.begin(limits.busy)
  const queue = writeQueue<T>({
    commit: batch => commitBatch(batch, { database, writer, limits, begin, sync: connections.sync }),
    batch: limits.batch,
    capacity: limits.capacity,
  })
  let closing: Promise<void> | undefined
  return {
    dialect: 'sqlite',
    db: reader.withPlugin(readsOnly(() => closing !== undefined)),
    // All writes run one after another, so the lock's name does not matter.
    write: change => queue.add(change),
    waiting: queue.waiting,
    async check() {
      await sql`select 1`.execute(reader)
      // A write through the queue: a server that can read but refuses every write is not ready.
      await queue.add(tx => probeSqlite(tx, room))
    },
    close: () => (closing ??= queue.close().then(connections.close)),
  }
}

interface Connections<T> {
  readonly database: LibsqlDatabase
  readonly writer: Kysely<T>
  /** Sees committed rows only. In memory there is one connection, whose mutex keeps reads out of open writes. */
  readonly reader: Kysely<T>
  /** Begins a write; waits up to `seconds` for the write of another process. */
  begin(seconds: number): Promise<void>
  /** Lets later commits return before the disk has them; `sync` waits for the disk. */
  syncApart(): void
  sync(): Promise<void>
  /**
   * Copies the log into the file, so that the file alone holds all data, and closes.
   * @throws StoreError `unavailable` when the copy fails; the log still holds the data then
   */
  close(): Promise<void>
}

async function connect<T>(name: string | undefined, datasync: Datasync): Promise<Connections<T>> {
  const file = name === undefined ? undefined : ownFile(name)
  const database = libsqlDatabase(file ?? ':memory:')
  const writer = new Kysely<T>({ dialect: new SqliteDialect({ database }) })
  // IMMEDIATE: two processes that both read first and then write would deadlock.
  const begin = (seconds: number): Promise<void> => whenFree(seconds, () => database.run('begin immediate'))
  if (file === undefined) {
    database.run('pragma foreign_keys = on')
    const close = (): Promise<void> => writer.destroy().then(() => database.close())
    return {
      database,
      writer,
      reader: writer,
      begin,
      syncApart: () => {},
      sync: async () => {},
      close,
    }
  }
  await durable(database)
  const reading = libsqlDatabase(file)
  reading.value('pragma busy_timeout = 1000')
  reading.run('pragma query_only = on')
  const reader = new Kysely<T>({ dialect: new SqliteDialect({ database: reading }) })
  let log: WriteAheadLog | undefined
  return {
    database,
    writer,
    reader,
    async begin(seconds) {
      log?.check()
      await begin(seconds)
    },
    syncApart() {
      log = writeAheadLog(file, datasync)
      database.run('pragma synchronous = normal')
    },
    sync: async () => log?.sync(),
    async close() {
      await reader.destroy()
      reading.close()
      try {
        // Not after a failed sync: the log may have a hole.
        if (log?.isSound() === true) foldLog(database)
      } finally {
        await writer.destroy()
        database.close()
        log?.close()
      }
    },
  }
}

/**
 * Copies the write-ahead log into the file and empties the log. The driver does not do so when it closes, and a backup of the file
 * alone would lack the writes in the log. While another process has the database open, the log is left to that process.
 */
function foldLog(database: LibsqlDatabase): void {
  try {
    database.value('pragma wal_checkpoint(truncate)')
  } catch (error) {
    if (isBusy(error)) return
    throw new StoreError('unavailable', 'the log of the database could not be copied into its file', { cause: error })
  }
}

/**
 * Makes the file if there is none, and returns its real path: SQLite keeps the log of a linked file beside the file, not the link.
 * The store holds keys, grants and hashes: only the owner may read the file, and -wal and -shm, which inherit its mode.
 */
function ownFile(name: string): string {
  // An existing file is not opened: closing it would release all locks of another store of this process on it (POSIX), and the
  // next process that closes the database would delete the log that this store still uses.
  if (!existsSync(name)) closeSync(openSync(name, 'a', 0o600))
  return realpathSync(name)
}

/** An acknowledged write survives the loss of power: write-ahead log, synced after every commit and before its writes are acknowledged. */
async function durable(database: LibsqlDatabase): Promise<void> {
  // Short, since the driver blocks the event loop while it waits; `whenFree` waits longer without blocking.
  database.value('pragma busy_timeout = 20')
  const mode = await whenFree(5, () => database.value('pragma journal_mode = wal'))
  if (mode !== 'wal') throw new StoreError('unsuitable', 'the file system of the database does not allow WAL mode')
  database.run('pragma synchronous = full')
  database.run('pragma foreign_keys = on')
  // 16 MiB of log, and not 4: a page that changes again meanwhile is copied into the file once.
  database.value('pragma wal_autocheckpoint = 4000')
}

/** Repeats work that fails at another process's lock, for up to `seconds`, without blocking the event loop in between. */
async function whenFree<R>(seconds: number, attempt: () => R): Promise<R> {
  const end = performance.now() + seconds * 1000
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (performance.now() > end) {
        throw new StoreError('overloaded', 'another process holds the database', { cause: error })
      }
    }
    await sleep(pause * (0.5 + Math.random()))
  }
}

const isBusy = (error: unknown): boolean => sqliteCode(error).startsWith('SQLITE_BUSY')
