/** Seconds of a window. */
const window = 600
/** The most events without a change that are recorded in a window: of one, of all of a site, and in all. */
const most = { one: 60, site: 120, all: 1200 }
/** Those whose further refusals are counted apart; the refusals of the others are counted together. */
const mostCounted = 20

/** In whose share of the log an event counts. */
export interface Share {
  readonly agent?: string
  readonly delegate?: string
  readonly user?: string
  /** The site that all its agents share. */
  readonly site?: string | undefined
}

/** How many refusals were not recorded one by one; without a name, those of all others. */
export interface Counted {
  readonly agent?: string
  readonly delegate?: string
  readonly user?: string
  readonly refusals: number
  /** Unix seconds: the first of them is not older. */
  readonly since: number
}

/** Shares of the audit log: events that change nothing cost their callers nothing, and must not fill the disk. */
export interface Shares {
  /** Takes room for one event. False: it is counted instead. */
  take(who: Share): boolean
  /** What was counted in a window that is over, or in any window; it is told once. */
  over(which: 'ended' | 'any'): readonly Counted[]
  /** Seconds until the window ends; undefined while nothing was counted in it. */
  left(): number | undefined
}

interface Window {
  readonly began: number
  readonly taken: Map<string, number>
  readonly counted: Map<string, Counted>
}

/** Counts in memory, for one instance. @param now Unix seconds */
export function sharesOf(now: () => number): Shares {
  let current: Window | undefined
  let ended: Counted[] = []
  const windowNow = (): Window => {
    const at = now()
    // Also when the clock went back.
    if (current !== undefined && Math.abs(at - current.began) < window) return current
    ended = [...ended, ...(current?.counted.values() ?? [])]
    current = {
      began: at,
      // bound: 2401 names: of 1200 events, their callers, and their sites; bytes: 2401 × 2 KiB; grown by a stranger;
      // shared: 60 events of one caller, 120 of one site; filled by shares.test.ts "one caller gets 60 events in ten
      // minutes"
      taken: new Map(),
      // bound: 20 callers, and all others as one; bytes: 21 × 2 KiB; grown by a stranger; shared: the first 20 have
      // names; filled by shares.test.ts "20 callers apart"
      counted: new Map(),
    }
    return current
  }
  return {
    take({ site, ...who }) {
      const { taken, counted, began } = windowNow()
      const name = JSON.stringify(who)
      // Each subdomain of one attacker would have a share of its own.
      // bound: three names of one event; grown by the program
      const counts: Array<readonly [string, number]> = [
        ['all', most.all],
        [name, most.one],
      ]
      if (site !== undefined) counts.push([`site ${site}`, most.site])
      const has = (key: string): number => taken.get(key) ?? 0
      if (counts.every(([key, limit]) => has(key) < limit)) {
        for (const [key] of counts) taken.set(key, has(key) + 1)
        return true
      }
      const isApart = counted.has(name) || counted.size < mostCounted
      const known = counted.get(isApart ? name : '') ?? {
        ...(isApart ? who : {}),
        refusals: 0,
        since: Math.floor(began),
      }
      counted.set(isApart ? name : '', { ...known, refusals: known.refusals + 1 })
      return false
    },
    over(which) {
      windowNow()
      const told = which === 'any' ? [...ended, ...(current?.counted.values() ?? [])] : ended
      if (which === 'any') current?.counted.clear()
      ended = []
      return told
    },
    left() {
      const { began, counted } = windowNow()
      return counted.size === 0 && ended.length === 0 ? undefined : Math.max(0, began + window - now())
    },
  }
}
