import {
  base64urlDecode,
  type CountTable,
  countTable,
  digestKey,
  hasShare,
  textHash,
} from '@countersign/httpsig/internal'
import { refusal } from '@countersign/protocol/internal'
import type { CallWindow, MemoryCalls } from './call-windows.js'

/** Seconds that a window is kept after its end: a clock that is set back must not begin it anew. */
const margin = 60

type Key = ReturnType<typeof digestKey>

/** Windows that end at one time, dropped as a whole. */
interface Ended {
  readonly counts: CountTable
  /** How many of them each site has. */
  readonly sites: CountTable
  size: number
}

interface Hashed {
  readonly window: CallWindow
  readonly key: Key
}

/**
 * Counts calls in the memory of this process, in at most `capacity` windows of 32 bytes. No window is forgotten before it ends: past
 * its share an agent's site gets 503, and past nine tenths of the capacity all sites but those with hardly any.
 */
export function memoryCalls(capacity: number): MemoryCalls {
  // bound: callCapacity, 1 000 000 windows, in one table for each minute, hour or day that has not ended; bytes: 1 000
  // 000 × 32; grown by a stranger; shared: a site has a tenth; the last tenth is for sites with hardly any; past it
  // 503; filled by memory-calls.test.ts "a full counter refuses, first large sites"
  const byEnd = new Map<number, Ended>()
  // Unknown to callers: they cannot choose names whose counts collide.
  const salt = crypto.randomUUID()
  const keyOf = async (text: string): Promise<Key> => digestKey(base64urlDecode(await textHash(`${salt} ${text}`)))
  const forgetEnded = (now: number): void => {
    for (const ends of byEnd.keys()) if (ends + margin <= now) byEnd.delete(ends)
  }
  const sizeOfAll = (): number => sum(byEnd, ({ size }) => size)

  function refuseFull(site: Key | undefined): void {
    const inAll = sizeOfAll()
    const own = site === undefined ? 0 : sum(byEnd, ({ sites }) => sites.get(site))
    if (hasShare({ inAll, own, capacity, share: site === undefined ? capacity : Math.ceil(capacity / 10) })) return
    throw refusal('capacity_exceeded', {
      about: 'calls of this agent or its site that are counted',
      retryAfter: 5,
      notProcessed: true,
    })
  }

  function count({ window, key }: Hashed, site: Key | undefined): void {
    const table = byEnd.get(window.ends) ?? {
      // bound: as byEnd; bytes: 32 a window; grown by a stranger; shared: as byEnd; filled by memory-calls.test.ts "a
      // full counter refuses, first large sites"
      counts: countTable(),
      // bound: sites of the windows; bytes: 32 a site; grown by a stranger; shared: as byEnd; filled by
      // memory-calls.test.ts "a full counter refuses, first large sites"
      sites: countTable(),
      size: 0,
    }
    byEnd.set(window.ends, table)
    if (table.counts.get(key) === 0) {
      table.size += 1
      if (site !== undefined) table.sites.increment(site)
    }
    table.counts.increment(key)
  }

  return {
    get size() {
      return sizeOfAll()
    },
    async take({ windows, now, site, only }) {
      const owner = site === undefined ? undefined : await keyOf(`site ${site}`)
      const hashed = await Promise.all(windows.map(async window => ({ window, key: await keyOf(window.key) })))
      // From here on without a wait: of two calls at once, one finds the other counted.
      forgetEnded(now)
      const countOf = ({ window, key }: Hashed): number => byEnd.get(window.ends)?.counts.get(key) ?? 0
      const used = hashed.filter(one => countOf(one) >= one.window.max).map(({ window }) => window)
      if (used.length > 0) return used
      if (hashed.some(one => countOf(one) === 0)) refuseFull(owner)
      if (only !== 'look') for (const one of hashed) count(one, owner)
      return []
    },
  }
}

function sum(tables: ReadonlyMap<number, Ended>, of: (table: Ended) => number): number {
  let all = 0
  for (const table of tables.values()) all += of(table)
  return all
}
