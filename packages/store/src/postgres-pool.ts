import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { StoreError } from './store-error.js'
import { setTimeline } from './unknown-commit.js'

/** Connections of one store, and how many of them writes may use, so that some are left for reads. */
export const connections: { readonly all: number; readonly writes: number } = { all: 10, writes: 8 }
const int8 = 20
/** Milliseconds past a statement's deadline after which a silent connection is given up. */
const silence = 1000

/**
 * Connects to the one of some hosts that takes writes.
 * @param urls one of each host
 * @param deadline seconds that one statement may take; default none
 */
export function postgresDialect(urls: readonly string[], deadline?: number): PostgresDialect {
  const statement = deadline === undefined ? 0 : Math.ceil(deadline * 1000)
  const hosts = createHosts(urls)
  const pool = new pg.Pool({
    Client: hosts.Client,
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
  return new PostgresDialect({ pool: namingPool(pool, hosts, client => setUp(client, statement)) })
}

interface Hosts {
  readonly count: number
  /** A client of the host that is in use. */
  readonly Client: typeof pg.Client
  inUse(): number
  /** Goes on to the next host, unless another connection has done so. */
  leave(index: number): void
}

function createHosts(urls: readonly string[]): Hosts {
  let current = 0
  return {
    count: urls.length,
    Client: class extends pg.Client {
      constructor(config: pg.ClientConfig) {
        super({ ...config, connectionString: urls[current] })
      }
    },
    inUse: () => current,
    leave(index) {
      if (current === index) current = (index + 1) % urls.length
    },
  }
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
  await query(setTimeline, []).catch(error => {
    if (error instanceof StoreError) throw error
  })
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
function namingPool(pool: pg.Pool, hosts: Hosts, setUp: (client: NamedClient) => Promise<void>): PostgresPool {
  const clients = new WeakMap<pg.PoolClient, NamedClient>()
  const connect = async (): Promise<NamedClient> => {
    const client = await pool.connect().catch(unreachable)
    const known = clients.get(client)
    if (known !== undefined) return known
    const named = namingClient(client)
    try {
      if (hosts.count > 1) await refuseStandby(named)
      await setUp(named)
    } catch (error) {
      client.release(true)
      throw error
    }
    clients.set(client, named)
    return named
  }
  return {
    async connect() {
      for (let tries = 1; ; tries++) {
        const host = hosts.inUse()
        try {
          return await connect()
        } catch (error) {
          if (tries === hosts.count || !(error instanceof StoreError) || isPoolFull(error)) throw error
          hosts.leave(host)
        }
      }
    },
    end: () => pool.end(),
  }
}

/** The pool's own words, where all its connections are in use. */
function isPoolFull({ cause }: StoreError): boolean {
  return cause instanceof Error && cause.message === 'timeout exceeded when trying to connect'
}

/** As `target_session_attrs=read-write` of libpq. */
async function refuseStandby({ query }: NamedClient): Promise<void> {
  const answer = await query(
    "select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as is_standby",
    [],
  )
  const { rows } = answer as pg.QueryResult<{ readonly is_standby: boolean }>
  if (rows[0]?.is_standby !== false) throw new StoreError('unavailable', 'the database takes no writes at this host')
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
