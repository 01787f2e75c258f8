import { type Place, placesOf } from '@countersign/conditions/internal'

/** Places of requests that the user who approves one need not see. */
export interface Unshown {
  readonly path: Names<number>
  readonly query: Names<string>
  readonly body: Place
}

/** The names that a list has; `all` without a list. */
type Names<T> = ReadonlySet<T> | 'all'

export function isUnshown<T>(names: Names<T>, name: T): boolean {
  return names === 'all' || names.has(name)
}

/**
 * Reads the places that an operator names: `path`, `path/3`, `query`, `query/page`, `body`, `body/trace`.
 * @throws TypeError for any other
 */
export function unshownOf(places: readonly string[]): Unshown {
  const within = (part: string): string[] =>
    places.flatMap(place => (place.startsWith(`${part}/`) ? [place.slice(part.length + 1)] : []))
  for (const place of places)
    if (!/^(?:path(?:\/[1-9][0-9]?)?|query(?:\/.+)?|body(?:\/.*)?)$/s.test(place) || /~(?![01])/.test(place))
      throw new TypeError(`unshown names a place that is none of path/2, query/name and body/member: ${place}`)
  return {
    // bound: fixed
    path: places.includes('path') ? 'all' : new Set(within('path').map(Number)),
    // bound: fixed
    query: places.includes('query') ? 'all' : new Set(within('query')),
    body: placesOf([places.includes('body') ? [''] : within('body').map(place => `/${place}`)]),
  }
}
