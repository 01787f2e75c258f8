import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from 'kysely'
import pg from 'pg'
import { doItems } from './at-commit.js'
import { createLines } from './lines.js'
import { applyMigrations, type MigratedRoom, type OpenedRoom } from './migrate.js'
import type { AnyTables, Store, StoreLimits, WriteOptions } from './store.js'
import { StoreError } from './store-error.js'
import { createTurns, type Turns } from './turns.js'
import { commitWatch } from './unknown-commit.js'
import { probePostgres } from './write-probe.js'
import { type Change, readsOnly, runChange } from './write-scope.js'

const retries = 12
/** Times that a write may lose against concurrent ones before it runs alone. */
const losses = 3
/** Connections of one store, and how many of them writes may use, so that some are left for reads. */
const connections = { all: 10, writes: 8 }
const int8 = 20
/** Milliseconds past a statement's deadline after which a silent connection is given up. */
const silence = 1000

/** Opens a PostgreSQL database. */
export async function openPostgres<T>(
  connectionString: string,
  { room, migrations, limits }: OpenedRoom,
): Promise<Store<T>> {
  await migrate(connectionString, { room, migrations })
  const db = new Kysely<T>({ dialect: dialect(connectionString, limits.change) })
  // Writes do not wait in the pool's own queue: its short timeout is also the one for connecting.
  const turns = createTurns({ places: connections.writes, seconds: limits.change })
  const lines = createLines()
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
export async function isNewInPostgres(connectionString: string, table: string): Promise<boolean> {
  const db = new Kysely<AnyTables>({ dialect: dialect(connectionString) })
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
async function migrate(connectionString: string, { room, migrations }: MigratedRoom): Promise<void> {
  const db = new Kysely<AnyTables>({ dialect: dialect(connectionString) })
  try {
    await db.transaction().execute(async tx => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`countersign ${room}`}, 0))`.execute(tx)
      await applyMigrations(tx, { room, migrations }, 'postgres')
    })
  } finally {
    await db.destroy()
  }
}

/** `deadline`: seconds that one statement may take; default none. */
function dialect(connectionString: string, deadline?: number): PostgresDialect {
  const statement = deadline === undefined ? 0 : Math.ceil(deadline * 1000)
  const pool = new pg.Pool({
    connectionString,
    // The client's timeout, for a server that has stopped answering; a working server ends the statement itself a little sooner.
    ...(statement === 0 ? {} : { query_timeout: statement + silence }),
    max: connections.all,
    // Also bounds the wait for a free connection: a quick 503 is better than requests that pile up behind a database that hangs.
    connectionTimeoutMillis: 2000,
    keepAlive: true,
    types: { getTypeParser },
  })
  // The pool replaces an idle connection that breaks; without a listener this event would end the process.
  pool.on('error', () => {})
  return new PostgresDialect({ pool: namingPool(pool, client => setUp(client, statement)) })
}

/** @param statement milliseconds that one statement may take; 0 for no end */
async function setUp({ query }: NamedClient, statement: number): Promise<void> {
  // An acknowledged write must be on disk even if the server's default is weaker; stronger settings (remote_apply) stay.
  await query(
    `select set_config('synchronous_commit', 'on', false)
      where current_setting('synchronous_commit') in ('off', 'local')`,
    [],
  )
  if (statement === 0) return
  // Behind a lock or a slow disk requests would wait without end and use up all connections.
  // And a sequential scan in a serializable transaction conflicts with every write to the table (PostgreSQL, 13.2.3).
  await query("select set_config('statement_timeout', $1, false), set_config('enable_seqscan', 'off', false)", [
    String(statement),
  ])
}

interface NamedClient extends PostgresPoolClient {
  query: PostgresPoolClient['query'] & ((text: string, values: readonly unknown[]) => Promise<unknown>)
}

/**
 * Turns connection errors into StoreErrors; errors of PostgreSQL about a statement stay as they are.
 * @param setUp runs once on each new connection. Kysely's `onCreateConnection` would not release a connection after a failure: after
 *   ten failures the store would have no connection left.
 */
function namingPool(pool: pg.Pool, setUp: (client: NamedClient) => Promise<void>): PostgresPool {
  const clients = new WeakMap<pg.PoolClient, NamedClient>()
  return {
    async connect() {
      const client = await pool.connect().catch(unreachable)
      const known = clients.get(client)
      if (known !== undefined) return known
      const named = namingClient(client)
      try {
        await setUp(named)
      } catch (error) {
        client.release(true)
        throw error
      }
      clients.set(client, named)
      return named
    },
    end: () => pool.end(),
  }
}

function namingClient(client: pg.PoolClient): NamedClient {
  // A connection may break between two statements, and the next one then fails; without a listener the event would end the process.
  client.on('error', () => {})
  let broken: unknown
  const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    // The result of an earlier statement may still arrive, so this connection is closed and not used again.
    if (broken !== undefined) unreachable(broken)
    try {
      return await client.query(text, [...values])
    } catch (error) {
      if (isTransport(error)) broken = error
      return unreachable(error)
    }
  }
  const release = (destroy?: boolean): void => client.release(destroy === true || broken !== undefined)
  return { query: query as NamedClient['query'], release }
}

/** connection_exception, insufficient_resources, operator_intervention, and a standby that only reads. */
const awayStates = /^(08|53|57P|25006)/
/** query_canceled: the error of statement_timeout. */
const canceled = '57014'

/** Whether an error is neither PostgreSQL's about a statement nor about a value of the caller that cannot be sent or read. */
function isTransport(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError || error instanceof TypeError || error instanceof RangeError)
}

function unreachable(error: unknown): never {
  if (error instanceof pg.DatabaseError && error.code === canceled)
    throw new StoreError('timeout', 'a statement did not end in time', { cause: error })
  const away = error instanceof pg.DatabaseError && awayStates.test(error.code ?? '')
  if (!away && !isTransport(error)) throw error
  throw new StoreError('unavailable', 'the database cannot be reached', { cause: error })
}

/** Reads `bigint` and `count(*)` as numbers, as SQLite does; the driver returns strings by default. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: unknown) => {
  if (oid === int8 && format !== 'binary') return safeInteger
  return pg.types.getTypeParser(oid, format as 'text')
}

function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('an integer of the database is beyond 2^53')
  return value
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
          if (lock !== undefined) watch.setId(await takeLock(tx, lock))
          const { value, left } = await runChange(tx, change, limits.change)
          await doItems(tx, left)
          await watch.readId(tx)
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
async function takeLock<T>(tx: Kysely<T>, name: string): Promise<string> {
  const key = `countersign write ${name}`
  const { rows } = await sql<{
    id: string
  }>`select pg_current_xact_id()::text as id, pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(tx)
  return rows[0]?.id ?? ''
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
