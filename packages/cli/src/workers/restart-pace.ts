/** Milliseconds after which a worker counts as one that runs. */
const proven = 60_000
const first = 1000
const longest = 30_000

/** How soon a worker that has ended is started again. */
export interface RestartPace {
  /** Notes that the worker is ready. */
  ready(): void
  /** Milliseconds to wait now: none after a minute of work, else a second, then twice as long each time, at most 30 s. */
  next(): number
}

/** @param now milliseconds */
export function restartPace(now: () => number): RestartPace {
  let readySince: number | undefined
  let wait = 0
  return {
    ready() {
      readySince = now()
    },
    next() {
      if (readySince !== undefined && now() - readySince >= proven) wait = 0
      readySince = undefined
      const current = wait
      wait = Math.min(Math.max(first, wait * 2), longest)
      return current
    },
  }
}
