import { resolve } from 'node:path'

/** The location of a database: a file, this process's memory, or a PostgreSQL server. */
export type DatabaseUrl =
  | { readonly dialect: 'sqlite'; readonly file: string }
  | { readonly dialect: 'sqlite'; readonly memory: true }
  | { readonly dialect: 'postgres'; readonly connectionString: string }

const forms = 'a database URL is sqlite:FILE, sqlite::memory: or postgres://USER@HOST/DATABASE'

/**
 * Reads a database URL: `sqlite:FILE` (relative to the working directory, or absolute), `sqlite::memory:`,
 * `postgres://…` or `postgresql://…`.
 * @throws TypeError for any other text. The message never repeats the URL, which may contain a password.
 */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  if (url.startsWith('sqlite:')) return sqliteUrl(url.slice('sqlite:'.length))
  if (url.startsWith('postgres://') || url.startsWith('postgresql://')) {
    if (!URL.canParse(url)) throw new TypeError(`the postgres URL cannot be parsed; ${forms}`)
    return { dialect: 'postgres', connectionString: url }
  }
  throw new TypeError(`unknown kind of database; ${forms}`)
}

function sqliteUrl(path: string): DatabaseUrl {
  if (path === ':memory:') return { dialect: 'sqlite', memory: true }
  if (path === '' || path.endsWith('/')) throw new TypeError(`sqlite: needs a file name; ${forms}`)
  // `sqlite://data/x.db` would mean `data` in the root directory, which is hardly intended.
  if (path.startsWith('//') && !path.startsWith('///')) {
    throw new TypeError(`sqlite: takes a path, not a host: sqlite:FILE or sqlite:/ABSOLUTE/FILE; ${forms}`)
  }
  if (/[\0?#]/.test(path)) throw new TypeError(`a sqlite file name has no NUL, ? or #; ${forms}`)
  // Always absolute: the driver gives names such as `libsql:` and `file:` a special meaning.
  return { dialect: 'sqlite', file: resolve(path.replace(/^\/+/, '/')) }
}
