import { createRequire } from 'node:module'
import type { SqliteDatabase, SqliteStatement } from 'kysely'
import type Libsql from 'libsql'
import { StoreError } from './store-error.js'

const statements = 256

/** A libsql connection in the form of Kysely's SQLite dialect, with functions for the store's own statements. */
export interface LibsqlDatabase extends SqliteDatabase {
  /** Runs a statement without parameters. */
  run(sql: string): void
  /** Reads one value, for pragmas. */
  value(sql: string): unknown
}

/**
 * The driver, loaded when it is first needed: its native part is an optional package.
 * @throws StoreError `unsuitable` where that package is not installed
 */
export function libsqlDriver(): typeof Libsql {
  try {
    return createRequire(import.meta.url)('libsql')
  } catch (cause) {
    // One that is there and cannot be loaded says why by itself.
    if (Object(cause).code !== 'MODULE_NOT_FOUND') throw cause
    throw new StoreError(
      'unsuitable',
      'the native part of SQLite is not installed: install without --omit=optional, or use a postgres:// database',
      { cause },
    )
  }
}

/** Opens a connection. `file` is an absolute path or `:memory:`; the file must exist, so that its mode is ours. @throws StoreError `unsuitable` */
export function libsqlDatabase(file: string): LibsqlDatabase {
  const database = new (libsqlDriver())(file)
  // bound: 256 statements; grown by the program
  const prepared = new Map<string, SqliteStatement>()

  function prepare(sql: string): SqliteStatement {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = bindSafely(database.prepare(sql))
    if (prepared.size >= statements) {
      for (const oldest of prepared.keys()) {
        prepared.delete(oldest)
        break
      }
    }
    prepared.set(sql, statement)
    return statement
  }

  return {
    prepare,
    run: sql => void prepare(sql).run([]),
    value: sql => Object.values((prepare(sql).all([])[0] ?? {}) as Record<string, unknown>)[0],
    close: () => {
      prepared.clear()
      database.close()
    },
  }
}

function bindSafely(statement: Libsql.Statement<unknown[]>): SqliteStatement {
  const all = (parameters: readonly unknown[]): unknown[] => naming(() => statement.all(parameters.map(bound)).map(row))
  return {
    reader: statement.reader,
    all,
    iterate: parameters => all(parameters)[Symbol.iterator](),
    run: parameters => naming(() => statement.run(parameters.map(bound))),
  }
}

const unavailable = /^SQLITE_(FULL|IOERR|CANTOPEN|READONLY|NOMEM|PROTOCOL)/

/** SQLite's code of an error, also of an error that was turned into a StoreError; empty for any other error. */
export function sqliteCode(error: unknown): string {
  if (error instanceof StoreError) return sqliteCode(error.cause)
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : ''
}

function naming<R>(work: () => R): R {
  try {
    return work()
  } catch (error) {
    if (!unavailable.test(sqliteCode(error))) throw error
    throw new StoreError('unavailable', 'the database cannot be read or written', { cause: error })
  }
}

/**
 * The native side binds every number as a float, NaN as null, cuts text at NUL (so that `a\0x` would be found as
 * `a`), and ABORTS THE PROCESS on a boolean. So every parameter is checked first.
 */
function bound(value: unknown): unknown {
  switch (typeof value) {
    case 'boolean':
      return value ? 1n : 0n
    case 'number':
      if (Number.isSafeInteger(value)) return BigInt(value)
      if (Number.isFinite(value)) return value
      break
    case 'string':
      if (!/[\0\p{Surrogate}]/u.test(value)) return value
      break
    case 'bigint':
      return value
    case 'undefined':
      return null
    case 'object':
      if (value === null || value instanceof Uint8Array) return value
  }
  throw new TypeError('a parameter must be a finite number, bigint, text without NUL, boolean, Uint8Array or null')
}

/** Returns blobs as Buffer, as PostgreSQL's driver does; libsql returns ArrayBuffer. */
function row(value: unknown): unknown {
  const columns = value as Record<string, unknown>
  for (const name in columns) {
    const column = columns[name]
    if (column instanceof ArrayBuffer) columns[name] = Buffer.from(column)
  }
  return columns
}
