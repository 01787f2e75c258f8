/** Runs work of the same name one after another, and work of different names concurrently. */
export interface Lines {
  next<R>(name: string, work: () => Promise<R>): Promise<R>
  /** The number of tasks of a name that wait or run. */
  waiting(name: string): number
}

/** Keeps no entry for a name without tasks. */
export function createLines(): Lines {
  // bound: writes under way, see postgres.ts; bytes: small; grown by a stranger; shared: a tenth of the writes for one
  // name; filled by postgres.test.ts "no more writes wait than there is room for"
  const lines = new Map<string, { last: Promise<unknown>; waiting: number }>()
  return {
    next<R>(name: string, work: () => Promise<R>): Promise<R> {
      const line = lines.get(name) ?? { last: Promise.resolve(), waiting: 0 }
      const own = line.last.then(work)
      line.last = own.catch(() => undefined)
      line.waiting++
      lines.set(name, line)
      void line.last.then(() => {
        line.waiting--
        if (line.waiting === 0) lines.delete(name)
      })
      return own
    },
    waiting: name => lines.get(name)?.waiting ?? 0,
  }
}
