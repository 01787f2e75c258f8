import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, rmSync } from 'node:fs'
import { freePort } from '@countersign/testing/ports'
import pg from 'pg'
import { programOf } from './program.js'
import { postgresUser } from './rig-folder.js'
import { type RigProcess, startRigProcess } from './rig-process.js'

/** A PostgreSQL server on a port of its own; database `test`, user `postgres`, no password. */
export interface PostgresServer {
  readonly port: number
  /** Its data. */
  readonly folder: string
  /** `postgres://…` of one database; default `test`. */
  url(database?: string): string
  /** Runs one statement on a connection of its own. */
  query(text: string, values?: readonly unknown[]): Promise<ReadonlyArray<Readonly<Record<string, unknown>>>>
  isRunning(): boolean
  /** Starts it, again after `kill` or `stop`. */
  start(): Promise<void>
  /** Ends it as a machine that loses power. */
  kill(): Promise<void>
  pause(): void
  resume(): void
  stop(): Promise<void>
}

/** Where a server keeps its data, and what it is set to. */
export interface PostgresPlace {
  readonly folder: string
  /** Settings as of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>> | undefined
}

// What the process was told to keep survives its own crash without fsync, and that is all that a test can bring about.
const base = { fsync: 'off', unix_socket_directories: '', listen_addresses: '127.0.0.1', max_connections: '300' }

/** Makes an empty server with the database `test`, and starts it. */
export async function newPostgres({ folder, settings }: PostgresPlace): Promise<PostgresServer> {
  own(folder)
  const options = ['--pgdata', folder, '--username', 'postgres', '--auth', 'trust', '--no-sync', '--encoding', 'UTF8']
  runAsPostgres('initdb', options)
  const server = await postgresIn({ folder, settings })
  await server.start()
  await queryOn(server.url('postgres'), 'create database test')
  return server
}

/**
 * Copies a running server into a folder that is new or replaced.
 * @param follow the name under which the copy follows the server as its standby; default: it does not
 */
export function baseBackup(from: PostgresServer, folder: string, follow?: string): void {
  rmSync(folder, { recursive: true, force: true })
  own(folder)
  const source = `host=127.0.0.1 port=${from.port} user=postgres${follow === undefined ? '' : ` application_name=${follow}`}`
  const standby = follow === undefined ? [] : ['--write-recovery-conf']
  const options = [
    '--dbname',
    source,
    '--pgdata',
    folder,
    '--checkpoint',
    'fast',
    '--wal-method',
    'stream',
    '--no-sync',
  ]
  runAsPostgres('pg_basebackup', [...options, ...standby])
}

/** A server over data that are there. */
export async function postgresIn({ folder, settings = {} }: PostgresPlace): Promise<PostgresServer> {
  const port = await freePort()
  const url = (database = 'test'): string => `postgres://postgres@127.0.0.1:${port}/${database}`
  const args = Object.entries({ ...base, ...settings, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  let running: RigProcess | undefined
  return {
    port,
    folder,
    url,
    query: (text, values) => queryOn(url(), text, values),
    isRunning: () => running?.isRunning() === true,
    async start() {
      running = await startRigProcess({
        program: programOf('postgres'),
        args: ['-D', folder, ...args],
        log: `${folder}.log`,
        user: postgresUser(),
        // Fast: connections are ended.
        stopSignal: 'SIGINT',
        isReady: () => answers(url('postgres')),
      })
    },
    kill: async () => running?.kill(),
    pause: () => running?.pause(),
    resume: () => running?.resume(),
    stop: async () => running?.stop(),
  }
}

/** Runs a program of PostgreSQL to its end. */
export function runAsPostgres(program: string, args: readonly string[]): string {
  // Not in the folder of the tests, which that user may not enter.
  return execFileSync(programOf(program), args, { encoding: 'utf8', cwd: '/', stdio: 'pipe', ...postgresUser() })
}

function own(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const user = postgresUser()
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
}

async function answers(url: string): Promise<boolean> {
  return queryOn(url, 'select 1').then(
    () => true,
    () => false,
  )
}

async function queryOn(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<ReadonlyArray<Readonly<Record<string, unknown>>>> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query(text, [...values])).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}
