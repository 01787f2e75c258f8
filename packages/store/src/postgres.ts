import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import { doItems } from './at-commit.js'
import { createLines } from './lines.js'
import { applyMigrations, type MigratedRoom, type OpenedRoom } from './migrate.js'
import { connections, postgresDialect } from './postgres-pool.js'
import type { AnyTables, Store, StoreLimits, WriteOptions } from './store.js'
import { StoreError } from './store-error.js'
import { createTurns, type Turns } from './turns.js'
import { commitWatch, type TransactionNumber, timeline } from './unknown-commit.js'
import { probePostgres } from './write-probe.js'
import { type Change, readsOnly, runChange } from './write-scope.js'

const retries = 12
/** Times that a write may lose against concurrent ones before it runs alone. */
const losses = 3

/**
 * Opens a PostgreSQL database.
 * @param urls one of each host, of which one takes writes
 */
export async function openPostgres<T>(
  urls: readonly string[],
  { room, migrations, limits }: OpenedRoom,
): Promise<Store<T>> {
  await migrate(urls, { room, migrations })
  const db = new Kysely<T>({ dialect: postgresDialect(urls, limits.change) })
  // Writes do not wait in the pool's own queue: its short timeout is also the one for connecting.
  const turns = createTurns({ places: connections.writes, seconds: limits.change })
  const lines = createLines()
  // bound: capacity, 10 000 writes; bytes: 10 000 × one row; grown by a stranger; shared: by the quotas before it;
  // filled by postgres.test.ts "no more writes wait than there is room for"
  const open = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined
  return {
    dialect: 'postgres',
    db: db.withPlugin(readsOnly(() => closing !== undefined)),
    async write<R>(change: Change<T, R>, { alone }: WriteOptions = {}): Promise<R> {
      if (closing !== undefined) throw new StoreError('closed', 'the store is closed')
      if (open.size >= limits.capacity) throw new StoreError('overloaded', 'too many writes are waiting')
      const once = (lock?: string): Promise<R> => writeOnce(db, change, { limits, turns, lock })
      // Waiting for a lock of the database takes a connection, so only one write of a name in this process waits for it.
      // The writes of one name may take at most a tenth of the queue: they wait for each other and must not keep out all others.
      if (alone !== undefined && lines.waiting(alone) >= limits.capacity / 10)
        throw new StoreError('overloaded', 'too many writes are waiting')
      const write = alone === undefined ? once() : lines.next(alone, () => once(`${room} ${alone}`))
      open.add(write)
      try {
        return await write
      } finally {
        open.delete(write)
      }
    },
    waiting: () => open.size,
    check: () => probePostgres(db, room),
    close: () => (closing ??= Promise.allSettled(open).then(() => db.destroy())),
  }
}

/** Whether the table does not exist or is empty. */
export async function isNewInPostgres(urls: readonly string[], table: string): Promise<boolean> {
  const db = new Kysely<AnyTables>({ dialect: postgresDialect(urls) })
  try {
    const { rows } = await sql<{ found: string | null }>`select to_regclass(${table})::text as found`.execute(db)
    if (rows[0]?.found == null) return true
    const counted = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(db)
    return counted.rows[0]?.count === 0
  } finally {
    await db.destroy()
  }
}

/** Migrates on a connection without deadlines: changing a large table, or waiting for a process that does, may take long. */
async function migrate(urls: readonly string[], { room, migrations }: MigratedRoom): Promise<void> {
  const db = new Kysely<AnyTables>({ dialect: postgresDialect(urls) })
  try {
    await db.transaction().execute(async tx => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`countersign ${room}`}, 0))`.execute(tx)
      await applyMigrations(tx, { room, migrations }, 'postgres')
    })
  } finally {
    await db.destroy()
  }
}

/**
 * Runs a write as a serializable transaction, as in SQLite; a write that lost against a concurrent one runs again. Many concurrent
 * writes to the same rows would lose again and again: a write that lost a few times makes all others of this process wait.
 *
 * Under `lock` each statement sees what is committed when it begins: a serializable snapshot would be taken before the wait for
 * the lock, and would not show what the holder of the lock wrote.
 */
async function writeOnce<T, R>(
  db: Kysely<T>,
  change: Change<T, R>,
  o: { readonly limits: StoreLimits; readonly turns: Turns; readonly lock?: string | undefined },
): Promise<R> {
  const { limits, turns, lock } = o
  for (let tries = 1; ; tries++) {
    const release = await (tries > losses ? turns.alone() : turns.shared())
    const watch = commitWatch()
    let done: { readonly value: R } | undefined
    try {
      await db
        .transaction()
        .setIsolationLevel(lock === undefined ? 'serializable' : 'read committed')
        .execute(async tx => {
          if (lock !== undefined) watch.setNumber(await takeLock(tx, lock))
          const { value, left } = await runChange(tx, change, limits.change)
          await doItems(tx, left)
          await watch.readNumber(tx)
          done = { value }
        })
      if (done !== undefined) return done.value
    } catch (error) {
      if (done !== undefined && isAway(error) && (await watch.wasCommitted(db))) return done.value
      if (!lostRace(error)) throw error
      if (tries > retries) throw new StoreError('overloaded', 'concurrent writes kept colliding', { cause: error })
    } finally {
      release()
    }
    await sleep(Math.random() * Math.min(2 ** tries, 200))
  }
}

/** Resolves with the number of the transaction, which is read together with a statement and costs no round trip of its own. */
async function takeLock<T>(tx: Kysely<T>, name: string): Promise<TransactionNumber> {
  const key = `countersign write ${name}`
  const { rows } = await sql<TransactionNumber>`select pg_current_xact_id()::text as id, ${timeline} as timeline,
    pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(tx)
  return rows[0] ?? { id: null, timeline: null }
}

function isAway(error: unknown): boolean {
  return error instanceof StoreError && (error.code === 'unavailable' || error.code === 'timeout')
}

/** serialization_failure and deadlock_detected: nothing was committed. */
function lostRace(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'code' in error && ['40001', '40P01'].includes(String(error.code))
  )
}
