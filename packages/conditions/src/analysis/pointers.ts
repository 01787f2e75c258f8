/** The segments of a JSON pointer; `*` stands for every member or element. */
export type Segments = readonly string[]

/** A JSON pointer's segments, with `~1` and `~0` read. @see RFC 6901 §4 */
export function segmentsOf(pointer: string): Segments {
  if (pointer === '') return []
  return pointer
    .slice(1)
    .split('/')
    .map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A segment that stands for every member or element. */
export const every = '*'

/** The index that a segment names in an array; undefined for `-`, `01` and names. */
export function indexOf(segment: string): number | undefined {
  return /^(?:0|[1-9][0-9]*)$/.test(segment) ? Number(segment) : undefined
}
