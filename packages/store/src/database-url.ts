import { resolve } from 'node:path'

/** The location of a database: a file, this process's memory, or a PostgreSQL server. */
export type DatabaseUrl =
  | { readonly dialect: 'sqlite'; readonly file: string }
  | { readonly dialect: 'sqlite'; readonly memory: true }
  /** A URL of each host. */
  | { readonly dialect: 'postgres'; readonly urls: readonly string[] }

const forms =
  'a database URL is sqlite:FILE, sqlite::memory: or postgres://USER@HOST/DATABASE, with several hosts postgres://USER@HOST,HOST/DATABASE'

/**
 * Reads a database URL: `sqlite:FILE` (relative to the working directory, or absolute), `sqlite::memory:`,
 * `postgres://…` or `postgresql://…`. With several hosts, of which one takes writes, as libpq reads it:
 * `postgres://HOST:PORT,HOST:PORT/DATABASE?target_session_attrs=read-write`.
 * @throws TypeError for any other text. The message never repeats the URL, which may contain a password.
 */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  if (url.startsWith('sqlite:')) return sqliteUrl(url.slice('sqlite:'.length))
  if (url.startsWith('postgres://') || url.startsWith('postgresql://')) {
    return { dialect: 'postgres', urls: postgresUrls(url) }
  }
  throw new TypeError(`unknown kind of database; ${forms}`)
}

/** One URL of each host. Writes are needed in any case, so that `target_session_attrs` may be left out. */
function postgresUrls(url: string): readonly string[] {
  const wrong = (what: string): TypeError => new TypeError(`the postgres URL ${what}; ${forms}`)
  const begin = url.indexOf('://') + 3
  const [authority = ''] = /^[^/?#]*/.exec(url.slice(begin)) ?? []
  const user = authority.lastIndexOf('@') + 1
  const hosts = authority.slice(user)
  const rest = url.slice(begin + authority.length)
  const urls = hosts.split(',').map(host => `${url.slice(0, begin + user)}${host}${rest}`)
  if (!urls.every(each => URL.canParse(each))) throw wrong('cannot be parsed')
  if (urls.length > 1 && hosts.split(',').some(host => host === '' || host.startsWith(':')))
    throw wrong('has an empty host')
  return urls.map(each => {
    const { searchParams } = new URL(each)
    const attributes = searchParams.get('target_session_attrs')
    if (attributes === null) return each
    if (!['read-write', 'primary'].includes(attributes)) throw wrong('must lead to a server that takes writes')
    return each.replace(/([?&])target_session_attrs=[^&]*&?/, '$1').replace(/[?&]$/, '')
  })
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
