/** Runs work of the same name one after another, and of other names beside it. */
export interface Lines {
  next<R>(name: string, work: () => Promise<R>): Promise<R>
}

/** Holds nothing of a name whose line is empty. */
export function createLines(): Lines {
  const last = new Map<string, Promise<unknown>>()
  return {
    next<R>(name: string, work: () => Promise<R>): Promise<R> {
      const before = last.get(name) ?? Promise.resolve()
      const own = before.then(work)
      const settled = own.catch(() => undefined)
      last.set(name, settled)
      void settled.then(() => {
        if (last.get(name) === settled) last.delete(name)
      })
      return own
    },
  }
}
