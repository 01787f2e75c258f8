import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, SqliteDialect, sql } from 'kysely'
import { type LibsqlDatabase, libsqlDatabase, sqliteCode } from './libsql-database.js'
import { type AnyTables, applyMigrations, type Migration } from './migrate.js'
import type { Store, StoreLimits } from './store.js'
import { StoreError } from './store-error.js'
import { type PendingWrite, writeQueue } from './write-queue.js'
import { readsOnly, runChange } from './write-scope.js'

/** Seconds to wait while another process migrates. */
const migrationWait = 60

/** Opens a SQLite file, or a database in memory when `file` is undefined. */
export async function openSqlite<T>(
  file: string | undefined,
  room: string,
  migrations: readonly Migration[],
  limits: StoreLimits,
): Promise<Store<T>> {
  const connections = await connect<T>(file)
  const { database, writer, reader } = connections
  try {
    await writer
      .connection()
      .execute(connection =>
        inTransaction(database, migrationWait, () =>
          applyMigrations(connection as unknown as Kysely<AnyTables>, room, migrations, 'sqlite'),
        ),
      )
  } catch (error) {
    await connections.close()
    throw error
  }
  const queue = writeQueue<T>({
    commit: batch => commitBatch(database, writer, batch, limits),
    batch: limits.batch,
    capacity: limits.capacity,
  })
  let closing: Promise<void> | undefined
  return {
    dialect: 'sqlite',
    db: reader.withPlugin(readsOnly(() => closing !== undefined)),
    write: change => queue.add(change),
    async check() {
      await sql`select 1`.execute(reader)
    },
    close: () => (closing ??= queue.close().then(connections.close)),
  }
}

interface Connections<T> {
  readonly database: LibsqlDatabase
  readonly writer: Kysely<T>
  /** Sees committed rows only. In memory there is but one connection, whose mutex keeps reads out of open writes. */
  readonly reader: Kysely<T>
  close(): Promise<void>
}

async function connect<T>(file: string | undefined): Promise<Connections<T>> {
  // The store holds keys, grants and hashes: the file, and the -wal and -shm that inherit its mode, are the owner's.
  if (file !== undefined) closeSync(openSync(file, 'a', 0o600))
  const database = libsqlDatabase(file ?? ':memory:')
  const writer = new Kysely<T>({ dialect: new SqliteDialect({ database }) })
  if (file === undefined) {
    database.run('pragma foreign_keys = on')
    return { database, writer, reader: writer, close: () => writer.destroy().then(() => database.close()) }
  }
  await durable(database)
  const reading = libsqlDatabase(file)
  reading.value('pragma busy_timeout = 1000')
  reading.run('pragma query_only = on')
  const reader = new Kysely<T>({ dialect: new SqliteDialect({ database: reading }) })
  return {
    database,
    writer,
    reader,
    close: async () => {
      await Promise.all([writer.destroy(), reader.destroy()])
      reading.close()
      database.close()
    },
  }
}

/** An acknowledged write survives the loss of power: write-ahead log, synced at every commit. */
async function durable(database: LibsqlDatabase): Promise<void> {
  // Short, since the driver waits inside the event loop; `whenFree` does the patient waiting outside of it.
  database.value('pragma busy_timeout = 20')
  const mode = await whenFree(5, () => database.value('pragma journal_mode = wal'))
  if (mode !== 'wal') throw new StoreError('unsuitable', 'the file system of the database does not allow WAL mode')
  database.run('pragma synchronous = full')
  database.run('pragma foreign_keys = on')
}

/** Repeats what another process's lock made fail, for up to `seconds`, with the event loop free in between. */
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

async function inTransaction<R>(database: LibsqlDatabase, busy: number, work: () => Promise<R>): Promise<R> {
  // IMMEDIATE: two processes that both read first and then wish to write would deadlock.
  await whenFree(busy, () => database.run('begin immediate'))
  try {
    const result = await work()
    database.run('commit')
    return result
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/** SQLite may have rolled back by itself (disk full, I/O error); then there is nothing left to do. */
function rollBack(database: LibsqlDatabase): void {
  try {
    database.run('rollback')
  } catch {}
}

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: unknown }

/** Commits a batch with one sync and settles its writes, none of them before the commit. */
async function commitBatch<T>(
  database: LibsqlDatabase,
  writer: Kysely<T>,
  batch: ReadonlyArray<PendingWrite<T>>,
  limits: StoreLimits,
): Promise<void> {
  let outcomes: Outcome[]
  try {
    outcomes = await writer.connection().execute(connection =>
      inTransaction(database, limits.busy, async () => {
        const done: Outcome[] = []
        for (const write of batch) done.push(await attempt(database, connection, write, limits))
        return done
      }),
    )
  } catch (error) {
    // A deferred constraint of one write shows only at the shared commit; alone, each gets its own verdict.
    if (batch.length > 1 && sqliteCode(error).startsWith('SQLITE_CONSTRAINT')) {
      for (const write of batch) await commitBatch(database, writer, [write], limits)
      return
    }
    for (const write of batch) write.reject(error)
    return
  }
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.ok) batch[index]?.resolve(outcome.value)
    else batch[index]?.reject(outcome.reason)
  }
}

async function attempt<T>(
  database: LibsqlDatabase,
  connection: Kysely<T>,
  write: PendingWrite<T>,
  limits: StoreLimits,
): Promise<Outcome> {
  database.run('savepoint one_write')
  let outcome: Outcome
  try {
    outcome = { ok: true, value: await runChange(connection, write.change, limits.change) }
  } catch (reason) {
    try {
      database.run('rollback to one_write')
    } catch {
      // SQLite rolled back everything by itself (disk full): the whole batch failed, and for this reason.
      throw reason
    }
    outcome = { ok: false, reason }
  }
  database.run('release one_write')
  return outcome
}
