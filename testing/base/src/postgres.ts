import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { afterAll } from 'vitest'

/** A PostgreSQL database for tests, where one answers on this machine. */
export interface PostgresForTests {
  /** Empty, or the words that tell in a test's title why it is skipped. */
  readonly away: string
  /** The URL of a fresh schema. */
  newUrl(): string
  /** The URL of a fresh schema that holds what is in another one now, as a backup of it does. */
  copyOf(url: string): Promise<string>
}

/**
 * Empty, or why the driver cannot be loaded here: with `--conditions=import` on the command line, `require('pg-pool')`
 * inside `pg` gives an ES module, and pg fails.
 */
export function driverTrouble(): string {
  const pg = createRequire(import.meta.url).resolve('pg')
  return createRequire(pg).resolve('pg-pool').endsWith('.mjs')
    ? ' (skipped: the test runner sets the condition "import" for require too, and pg cannot be loaded)'
    : ''
}

const away = (why: string): PostgresForTests => ({
  away: why,
  newUrl: () => {
    throw new Error('there is no PostgreSQL server')
  },
  copyOf: async () => {
    throw new Error('there is no PostgreSQL server')
  },
})

/** A test that failed once runs again in the same file, and needs schemas of its own. */
const runs = process.env['COUNTERSIGN_RETRY'] === '1' ? 2 : 1

const server = 'postgres://postgres@127.0.0.1:5432/test'

/**
 * Connects to 127.0.0.1:5432 (database `test`, user `postgres`, no password) and prepares `count` schemas (twice as many
 * where failed tests run again), which are removed after the tests of the file.
 */
export async function postgresForTests(count = 12): Promise<PostgresForTests> {
  const trouble = driverTrouble()
  if (trouble !== '') return away(trouble)
  const { default: pg } = await import('pg')
  const admin = new pg.Client({ connectionString: server, connectionTimeoutMillis: 1000 })
  try {
    await admin.connect()
  } catch {
    return away(' (skipped: nothing answers at 127.0.0.1:5432)')
  }
  const prefix = `countersign_${randomBytes(6).toString('hex')}`
  const schemas = Array.from({ length: count * runs }, (_, index) => `${prefix}_${index}`)
  for (const schema of schemas) await admin.query(`create schema ${schema}`)
  afterAll(async () => {
    for (const schema of schemas) await admin.query(`drop schema ${schema} cascade`)
    await admin.end()
  })
  let used = 0
  const newUrl = (): string => {
    const schema = schemas[used++]
    if (schema === undefined) throw new Error('more schemas are needed')
    return `${server}?options=${encodeURIComponent(`-c search_path=${schema}`)}`
  }
  return {
    away: '',
    newUrl,
    async copyOf(url) {
      const copy = newUrl()
      const [from, to] = [url, copy].map(each => /search_path%3D(\w+)/.exec(each)?.[1])
      const { rows } = await admin.query('select tablename from pg_tables where schemaname = $1', [from])
      for (const { tablename } of rows) {
        await admin.query(`create table ${to}.${tablename} (like ${from}.${tablename} including all)`)
        await admin.query(`insert into ${to}.${tablename} select * from ${from}.${tablename}`)
      }
      return copy
    },
  }
}
