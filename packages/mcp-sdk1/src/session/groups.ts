/** Groups of sessions that are counted together. Every method takes constant time. */
export interface SessionGroups<T> {
  sizeOf(name: string): number
  /** Adds a session that is in use. */
  add(name: string): void
  /** Removes a session, in use or not. */
  remove(name: string, session: T): void
  /** Marks a session as unused since now. */
  rest(name: string, session: T): void
  /** Marks a session as in use. */
  wake(name: string, session: T): void
  /** The session of the group that has been unused for the longest time. */
  longestUnused(name: string): T | undefined
  /** The largest group that has an unused session. */
  largest(): string | undefined
}

interface Group<T> {
  size: number
  /** The unused sessions, longest unused first. */
  readonly unused: Set<T>
}

/** Creates an empty set of groups. */
export function sessionGroups<T>(): SessionGroups<T> {
  // bound: holders and sites of 10 000 sessions; bytes: 10 000 × 200; grown by a stranger; shared: as the sessions;
  // filled by sessions-many.test.ts "among ten as among 10 000"
  const groups = new Map<string, Group<T>>()
  /** Names of groups with an unused session, by size: 10 000 sessions make at most 140 different sizes. */
  // bound: 140 sizes; bytes: as the groups; grown by a stranger; shared: as the sessions; filled by
  // sessions-many.test.ts "among ten as among 10 000"
  const bySize = new Map<number, Set<string>>()

  function unrank(name: string, { size }: Group<T>): void {
    const names = bySize.get(size)
    if (names?.delete(name) === true && names.size === 0) bySize.delete(size)
  }

  function rank(name: string, { size, unused }: Group<T>): void {
    if (unused.size === 0) return
    // bound: groups of one size; bytes: as the groups; grown by a stranger; shared: as the sessions; filled by
    // sessions-many.test.ts "among ten as among 10 000"
    const names = bySize.get(size) ?? new Set()
    names.add(name)
    bySize.set(size, names)
  }

  function change(name: string, by: (group: Group<T>) => void): void {
    // bound: 10 000 sessions; bytes: 10 000 × 50; grown by a stranger; shared: as the sessions; filled by
    // sessions-many.test.ts "among ten as among 10 000"
    const group = groups.get(name) ?? { size: 0, unused: new Set() }
    unrank(name, group)
    by(group)
    if (group.size === 0) groups.delete(name)
    else groups.set(name, group)
    rank(name, group)
  }

  return {
    sizeOf: name => groups.get(name)?.size ?? 0,
    add: name =>
      change(name, group => {
        group.size += 1
      }),
    remove: (name, session) =>
      change(name, group => {
        group.size -= 1
        group.unused.delete(session)
      }),
    rest: (name, session) =>
      change(name, ({ unused }) => {
        unused.delete(session)
        unused.add(session)
      }),
    wake: (name, session) => change(name, ({ unused }) => void unused.delete(session)),
    longestUnused: name => first(groups.get(name)?.unused),
    largest: () => (bySize.size === 0 ? undefined : first(bySize.get(Math.max(...bySize.keys())))),
  }
}

function first<T>(set: ReadonlySet<T> | undefined): T | undefined {
  for (const one of set ?? []) return one
  return undefined
}
