/** Seconds at least: no participant can make us fetch once per request. */
const floor = 30
/** Seconds at most: a withdrawn key must stop working within this time. */
const cap = 600
/** Seconds for a document without `max-age`. */
const unstated = 300

/**
 * Seconds a fetched document counts as fresh: its `Cache-Control` `max-age`, within 30 s and 10 min; 5 min without one.
 * @see protocol §10, RFC 9111 §5.2.2
 */
export function lifetimeOf(cacheControl: string | undefined): number {
  const directives = (cacheControl ?? '').split(',').map(directive => directive.trim().toLowerCase())
  if (directives.includes('no-store') || directives.includes('no-cache')) return floor
  const ages = directives.filter(directive => directive.startsWith('max-age'))
  if (ages.length === 0) return unstated
  const seconds = ages.map(age => Number(/^max-age="?([0-9]{1,15})"?$/.exec(age)?.[1] ?? floor))
  // Of several max-age directives the shortest counts; an unreadable one counts as the floor.
  return Math.min(cap, Math.max(floor, Math.min(...seconds)))
}
