import { foldedPath, shortNameFolders, withoutStreams } from '@countersign/protocol/internal'
import { looseSpellings } from './loose-spelling.js'

/** A path and methods, and the value for them. */
export interface TableEntry<T> {
  /** Exact, or a prefix that ends in `*`. */
  readonly path: string
  /** Default all. */
  readonly methods?: readonly string[] | undefined
  readonly value: T
}

/** The result of a lookup. */
export type Match<T> =
  | { readonly found: 'route'; readonly value: T }
  | { readonly found: 'nothing' }
  | { readonly found: 'method'; readonly allow: readonly string[] }
  /** The upstream might read the path as one that belongs to another route. */
  | { readonly found: 'ambiguous' }

/** Finds routes by the raw path: the longest matching path decides, and its methods are the only ones. */
export interface RouteTable<T> {
  match(method: string, path: string): Match<T>
}

/**
 * Makes a route table.
 * @throws TypeError for a path without leading slash or with `*` elsewhere than at its end, a path in a spelling that is always
 * refused, a method that is not written as on the wire, and two routes for the same requests
 */
export function routeTable<T>(entries: ReadonlyArray<TableEntry<T>>): RouteTable<T> {
  for (const { path, methods = [] } of entries) {
    checkPath(path)
    for (const method of methods) checkMethod(method)
  }
  checkOverlaps(entries)
  const loose = entries.map(entry => ({ ...entry, path: looselySpelt(entry.path) }))
  return {
    match(method, path) {
      const exact = longest(entries, path)
      // Many upstreams read `/%61dmin`, `/ADMIN`, `//admin`, `/admin/` and `/admin%3f` as `/admin`: the laxer rule of another route
      // must not admit any of them (RAT-12).
      if (isAmbiguous(exact, loose, path)) return { found: 'ambiguous' }
      if (exact.length === 0) return { found: 'nothing' }
      const entry = exact.find(({ methods }) => methods === undefined || methods.includes(method))
      if (entry !== undefined) return { found: 'route', value: entry.value }
      return { found: 'method', allow: [...new Set(exact.flatMap(({ methods = [] }) => methods))] }
    },
  }
}

function checkPath(path: string): void {
  if (!/^\/[\x21-\x29\x2b-\x7e]*\*?$/.test(path) || /[?#]/.test(path))
    throw new TypeError('a route path begins with / and has at most one *, at its end')
}

/** Methods are compared exactly: a route for `get` would guard nothing and refuse everything. */
function checkMethod(method: string): void {
  if (!/^[A-Z][A-Z-]*$/.test(method)) throw new TypeError('methods are written as on the wire, e.g. GET')
}

function checkOverlaps<T>(entries: ReadonlyArray<TableEntry<T>>): void {
  const taken = new Set<string>()
  for (const { path, methods = ['*'] } of entries) {
    for (const method of methods) {
      const key = `${method} ${path}`
      if (taken.has(key)) throw new TypeError(`two routes for ${key}`)
      taken.add(key)
    }
  }
  const open = entries.filter(({ methods }) => methods === undefined)
  for (const { path } of open) {
    if (entries.filter(entry => entry.path === path).length > 1)
      throw new TypeError(`a route for every method of ${path} stands beside others of it`)
  }
}

function longest<T>(entries: ReadonlyArray<TableEntry<T>>, path: string): Array<TableEntry<T>> {
  let best = -1
  let found: Array<TableEntry<T>> = []
  for (const entry of entries) {
    const weight = weightOf(entry.path, path)
    if (weight < 0 || weight < best) continue
    if (weight > best) found = []
    best = weight
    found.push(entry)
  }
  return found
}

/** How closely a route's path matches: an exact path most, then the longest prefix; -1 when it does not match. */
function weightOf(route: string, path: string): number {
  if (!route.endsWith('*')) return route === path ? Number.MAX_SAFE_INTEGER : -1
  return path.startsWith(route.slice(0, -1)) ? route.length : -1
}

/** Routes keep their order in both tables, so equal positions mean equal routes. */
function samePaths<T>(exact: ReadonlyArray<TableEntry<T>>, loose: ReadonlyArray<TableEntry<T>>): boolean {
  return exact.length === loose.length && exact.every((entry, at) => entry.value === loose[at]?.value)
}

// Lower case, no escapes, no empty segments, no dots but between letters: no server reads such a path in another way.
const plain = /^(?:\/[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)*\/?$/

/** Whether a server could read a path as one of another route. */
function isAmbiguous<T>(
  exact: ReadonlyArray<TableEntry<T>>,
  loose: ReadonlyArray<TableEntry<T>>,
  path: string,
): boolean {
  if (plain.test(path)) return !samePaths(exact, longest(loose, path.endsWith('/') ? path : `${path}/`))
  const spellings = looseSpellings(`${path}/`)
  return spellings === undefined || !spellings.every(one => isOwn(exact, loose, one))
}

/** Whether no reading of a spelling leads to another route. Stream and short names that the route's own path has are its own. */
function isOwn<T>(exact: ReadonlyArray<TableEntry<T>>, loose: ReadonlyArray<TableEntry<T>>, spelling: string): boolean {
  const own = longest(loose, spelling)
  if (!samePaths(exact, own)) return false
  const said = own[0] === undefined ? '' : saidBy(own[0])
  // Windows reads `/admin:x` and `/ADMIN~1` as `/admin`.
  const bare = foldedPath(`${said}${withoutStreams(spelling.slice(said.length))}`)
  if (bare === undefined || !samePaths(exact, longest(loose, bare))) return false
  const folders = shortNameFolders(bare, said.length)
  return loose.every(entry => {
    const path = saidBy(entry)
    return own.includes(entry) || !folders.some(folder => path.length > folder.length && path.startsWith(folder))
  })
}

function saidBy({ path }: { readonly path: string }): string {
  return path.endsWith('*') ? path.slice(0, -1) : path
}

// A placeholder for the text after a prefix, so that the end of the prefix does not count as the end of a segment.
const rest = '\uE000'

/** The folded path of a route. An exact path gets a final slash, as all paths that are looked up do; a prefix does not. */
function looselySpelt(path: string): string {
  const prefix = path.endsWith('*')
  const [spelling, ...more] = looseSpellings(prefix ? `${path.slice(0, -1)}${rest}` : `${path}/`) ?? []
  if (spelling === undefined || more.length > 0)
    throw new TypeError('a route path is written plainly: no dot segments, no controls, no escaped ? or #, UTF-8')
  return prefix ? `${spelling.slice(0, -rest.length)}*` : spelling
}
