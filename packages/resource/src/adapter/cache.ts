import type { HeaderFields } from '@countersign/protocol'

/** The cache headers a handler set, if any. */
export interface CacheHeaders {
  readonly cacheControl: string | null
  readonly vary: string | null
}

/**
 * The `Cache-Control` and `Vary` of a guarded response.
 * A shared cache knows nothing of signatures and would serve one agent's answer to the next: what a handler set is kept,
 * but for `public`, `s-maxage` and a qualified `private`, which let one in.
 * @param keep the route says that the handler's own `Cache-Control` stands
 * @see protocol §4 "Caches"
 */
export function guardedCache(
  set: CacheHeaders,
  keep: boolean,
): { readonly cacheControl: string; readonly vary: string } {
  const { cacheControl, vary } = set
  return {
    cacheControl: keep && cacheControl !== null ? cacheControl : madePrivate(cacheControl ?? ''),
    vary: varyWith(vary ?? '', 'Signature-Key'),
  }
}

function madePrivate(cacheControl: string): string {
  const directives = listOf(cacheControl).filter(
    directive => !/^(?:public|private|s-maxage)(?:\s*=|$)/i.test(directive),
  )
  return ['private', ...directives].join(', ')
}

function varyWith(vary: string, name: string): string {
  const names = listOf(vary)
  if (names.some(present => present === '*' || present.toLowerCase() === name.toLowerCase())) return vary
  return [...names, name].join(', ')
}

/** Members of a comma list; a comma inside a quoted string (`private="a, b"`) divides nothing. */
function listOf(value: string): string[] {
  return (value.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? [])
    .map(member => member.trim())
    .filter(member => member !== '')
}

/** Headers with which a handler or an upstream addresses shared caches alone, past `Cache-Control` (RFC 9213 and older ones). */
const forSharedCaches = /^(?:.+-cache-control|edge-control|surrogate-control|x-accel-expires)$/

/** Sets the cache headers of a guarded response. */
export function protectFromCaches(headers: HeaderFields, keep: boolean): void {
  const set = { cacheControl: headers.get('cache-control'), vary: headers.get('vary') }
  if (set.cacheControl === null && set.vary === null) {
    headers.set('cache-control', 'private') // cache.private
    headers.set('vary', 'Signature-Key') // cache.vary
  } else setGuarded(headers, set, keep)
  if (!keep) for (const name of [...headers.keys()]) if (forSharedCaches.test(name)) headers.delete(name)
}

function setGuarded(headers: HeaderFields, set: CacheHeaders, keep: boolean): void {
  const { cacheControl, vary } = guardedCache(set, keep)
  headers.set('cache-control', cacheControl)
  headers.set('vary', vary)
}
