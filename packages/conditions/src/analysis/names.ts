/** Names that are allowed; undefined: every name. */
export type Names = ReadonlySet<string> | undefined

/** The names that every list has. */
export function commonNames(lists: ReadonlyArray<readonly string[]>): Names {
  // bound: one call
  return lists.reduce<Names>(
    (common, list) => new Set(common === undefined ? list : list.filter(name => common.has(name))),
    undefined,
  )
}

/** An allowed name that the list lacks. */
export function nameOutside(names: Names, list: Iterable<string>, fresh: (i: number) => string): string | undefined {
  const listed = new Set(list)
  if (names !== undefined) return [...names].find(name => !listed.has(name))
  return freshName(listed, fresh)
}

/** The first made-up name that the set lacks. */
export function freshName(taken: ReadonlySet<string>, fresh: (i: number) => string): string {
  let i = 0
  while (taken.has(fresh(i))) i++
  return fresh(i)
}
