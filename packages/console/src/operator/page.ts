/** Which part of a list. */
export interface PageOptions {
  /** `next` of the page before. Default: from the start. */
  readonly after?: string
  /** Most entries, 1 to 1000. Default 100. */
  readonly limit?: number
}

/** A part of a list. */
export interface OperatorPage<T> {
  readonly items: readonly T[]
  /** `after` of the next page; absent after the last one. */
  readonly next?: string
}

/** @throws RangeError for a limit that is not 1 to 1000 */
export function pageIn({ after = '', limit = 100 }: PageOptions): { readonly after: string; readonly limit: number } {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new RangeError('limit must be 1 to 1000')
  return { after, limit }
}

/** A page of rows that were read up to one more than `limit`. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  o: { readonly limit: number; readonly keyOf: (row: Row) => string; readonly itemOf: (row: Row) => T },
): OperatorPage<T> {
  const { limit, keyOf, itemOf } = o
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(itemOf),
    ...(rows.length > limit && last !== undefined ? { next: keyOf(last) } : {}),
  }
}
