import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from 'kysely'
import pg from 'pg'
import { createLines } from './lines.js'
import { applyMigrations } from './migrate.js'
import type { AnyTables, Migration, Store, StoreLimits, WriteOptions } from './store.js'
import { StoreError } from './store-error.js'
import { createTurns, type Turns } from './turns.js'
import { commitWatch } from './unknown-commit.js'
import { probePostgres } from './write-probe.js'
import { type Change, readsOnly, runChange } from './write-scope.js'

const retries = 12
/** Times that a write may lose against others at its side before it runs alone. */
const losses = 3
/** Connections of one store, and how many of them writes may have: reads never wait for writes alone. */
const connections = { all: 10, writes: 8 }
const int8 = 20
/** Milliseconds past a statement's deadline after which a silent connection is given up. */
const silence = 1000

/** Opens a PostgreSQL database. */
export async function openPostgres<T>(
  connectionString: string,
  room: string,
  migrations: readonly Migration[],
  limits: StoreLimits,
): Promise<Store<T>> {
  await migrate(connectionString, room, migrations)
  const db = new Kysely<T>({ dialect: dialect(connectionString, limits.change) })
  // Not the pool's own queue: its end to the wait is also that of connecting, and short.
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
      // Waiting for the lock takes a connection: of one process no more than one waits.
      // And no more than a tenth of all that may wait: those of one name wait for each other, and must not take the room of all.
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
    check: () => probePostgres(db, room),
    close: () => (closing ??= Promise.allSettled(open).then(() => db.destroy())),
  }
}

/** Whether there is no such table, or nothing in it. */
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

/** On a connection of its own without deadlines: changing a large table, or waiting for who does, takes what it takes. */
async function migrate(connectionString: string, room: string, migrations: readonly Migration[]): Promise<void> {
  const db = new Kysely<AnyTables>({ dialect: dialect(connectionString) })
  try {
    await db.transaction().execute(async tx => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`countersign ${room}`}, 0))`.execute(tx)
      await applyMigrations(tx, room, migrations, 'postgres')
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
    // Our own end to the wait, for a server that has fallen silent; one that still works ends the statement itself, a little sooner.
    ...(statement === 0 ? {} : { query_timeout: statement + silence }),
    max: connections.all,
    // Also the wait for a free connection: better a quick 503 than requests that pile up behind a database that hangs.
    connectionTimeoutMillis: 2000,
    keepAlive: true,
    types: { getTypeParser },
  })
  // An idle connection that breaks is replaced at its next use; unheard, this event would end the process.
  pool.on('error', () => {})
  return new PostgresDialect({ pool: namingPool(pool, client => setUp(client, statement)) })
}

/** @param statement milliseconds that one statement may take; 0 for no end */
async function setUp({ query }: NamedClient, statement: number): Promise<void> {
  // Acknowledged means on disk, whatever the server's default; stronger settings (remote_apply) stay.
  await query(
    `select set_config('synchronous_commit', 'on', false)
      where current_setting('synchronous_commit') in ('off', 'local')`,
    [],
  )
  if (statement === 0) return
  // Behind a lock or a slow disk requests would wait without end, and take every connection with them.
  // And who reads a table from end to end watches all of it: undone by every write to it, and undoing them (PostgreSQL, 13.2.3).
  await query("select set_config('statement_timeout', $1, false), set_config('enable_seqscan', 'off', false)", [
    String(statement),
  ])
}

interface NamedClient extends PostgresPoolClient {
  query: PostgresPoolClient['query'] & ((text: string, values: readonly unknown[]) => Promise<unknown>)
}

/**
 * Gives whatever is not PostgreSQL's verdict on a statement (no connection, one that broke) its own name.
 * @param setUp runs once on each new connection. Here and not in Kysely's `onCreateConnection`, after whose failure nobody gives
 *   the connection back: ten that broke at that moment, and the store would have none left.
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
  // A connection may break between two statements of a transaction; the next statement fails then. Unheard, ends the process.
  client.on('error', () => {})
  let broken: unknown
  const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    // The answer to an earlier statement may still come: nothing waits in line behind it, and nobody gets this connection again.
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
/** query_canceled: what statement_timeout does. */
const canceled = '57014'

/** Not PostgreSQL's verdict, and no value that cannot be sent or read (a fault of the caller's). */
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

/** `bigint` and `count(*)` come as strings by default; SQLite gives numbers, and so does this. */
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
 * Serializable, as SQLite is by nature; a write that lost against a concurrent one runs again. Many at once that want the same
 * rows would lose to each other over and over: one that lost a few times makes all others of this process wait.
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
          if (lock !== undefined) watch.is(await takeLock(tx, lock))
          const value = await runChange(tx, change, limits.change)
          await watch.begins(tx)
          done = { value }
        })
      if (done !== undefined) return done.value
    } catch (error) {
      if (done !== undefined && isAway(error) && (await watch.happened(db))) return done.value
      if (!lostRace(error)) throw error
      if (tries > retries) throw new StoreError('overloaded', 'concurrent writes kept colliding', { cause: error })
    } finally {
      release()
    }
    await sleep(Math.random() * Math.min(2 ** tries, 200))
  }
}

/** Resolves with the number of the transaction: asked along, it costs no way of its own to the database. */
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
