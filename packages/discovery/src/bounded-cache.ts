/** A map that forgets what was used least recently once it holds too many entries or too many bytes. */
export interface BoundedCache<T> {
  /** What is under a name; using it makes it the last to be forgotten of its kind. */
  get(name: string): T | undefined
  /** Puts something under a name, weighing nothing yet. */
  set(name: string, value: T): void
  /** Says what one part of an entry weighs by now, in bytes; in vain when another value took its place. */
  weigh(name: string, value: T, weight: { readonly part: string; readonly bytes: number }): void
  /** Says that an entry has proven good: it goes after all that have not. In vain when it is very heavy. */
  keep(name: string, value: T): void
  delete(name: string): void
}

/** How much a {@link BoundedCache} holds. */
export interface BoundedCacheOptions {
  readonly maxEntries: number
  readonly maxBytes: number
  /** Told of every entry that was pushed out. */
  readonly onEvict?: (name: string) => void
}

interface Entry<T> {
  readonly value: T
  readonly parts: Map<string, number>
  /** The sum of its parts. */
  bytes: number
  /** Its segment's count when it went to the end. */
  at: number
}

/** Entries in the order of their last use, and what they weigh together. */
interface Segment<T> {
  readonly entries: Map<string, Entry<T>>
  bytes: number
  /** How many have gone to the end so far. */
  count: number
}

/** Of all room, so much is for what has proven good; the rest lets newcomers live long enough to prove it. */
const keptShare = 0.8
/** An entry that alone takes more than this share of the bytes is not kept: a few of them would push out thousands. */
const heavyShare = 1 / 512

/**
 * Bounded by entries and by bytes: strangers choose how many identifiers they name and how large their documents are.
 * In two segments, so that names which anybody can invent push out no entry that has proven good.
 * @throws RangeError when a bound is not a positive whole number
 */
export function boundedCache<T>(options: BoundedCacheOptions): BoundedCache<T> {
  const { maxEntries, maxBytes, onEvict } = options
  for (const bound of [maxEntries, maxBytes])
    if (!Number.isSafeInteger(bound) || bound < 1) throw new RangeError('a bound must be a positive whole number')
  const passing: Segment<T> = { entries: new Map(), bytes: 0, count: 0 }
  const kept: Segment<T> = { entries: new Map(), bytes: 0, count: 0 }
  const segmentOf = (name: string): Segment<T> => (kept.entries.has(name) ? kept : passing)

  function take(name: string, from: Segment<T>): Entry<T> | undefined {
    const entry = from.entries.get(name)
    if (entry === undefined) return undefined
    from.entries.delete(name)
    from.bytes -= entry.bytes
    return entry
  }

  /** A Map keeps the order of insertion: whatever is used goes to its end. */
  function put(name: string, entry: Entry<T>, into: Segment<T>): void {
    into.count += 1
    entry.at = into.count
    into.entries.set(name, entry)
    into.bytes += entry.bytes
  }

  function move(name: string, from: Segment<T>, to: Segment<T>): void {
    const entry = take(name, from)
    if (entry !== undefined) put(name, entry, to)
  }

  function shrink(): void {
    for (const name of kept.entries.keys()) {
      if (kept.entries.size <= maxEntries * keptShare && kept.bytes <= maxBytes * keptShare) break
      move(name, kept, passing)
    }
    // Newcomers first; of what has proven good never more than its share is left, so that they go before it.
    for (const name of passing.entries.keys()) {
      if (passing.entries.size + kept.entries.size <= maxEntries && passing.bytes + kept.bytes <= maxBytes) return
      take(name, passing)
      onEvict?.(name)
    }
  }

  return {
    get(name) {
      const segment = segmentOf(name)
      const entry = segment.entries.get(name)
      // One of the youngest quarter stays where it is: what is used all the time would churn the map for nothing.
      if (entry !== undefined && segment.count - entry.at >= segment.entries.size / 4) move(name, segment, segment)
      return entry?.value
    },
    set(name, value) {
      take(name, segmentOf(name))
      put(name, { value, parts: new Map(), bytes: 0, at: 0 }, passing)
      shrink()
    },
    weigh(name, value, { part, bytes }) {
      const segment = segmentOf(name)
      const entry = segment.entries.get(name)
      if (entry?.value !== value) return
      const change = bytes - (entry.parts.get(part) ?? 0)
      entry.parts.set(part, bytes)
      entry.bytes += change
      segment.bytes += change
      if (segment === kept && entry.bytes > maxBytes * heavyShare) move(name, kept, passing)
      shrink()
    },
    keep(name, value) {
      const entry = passing.entries.get(name)
      if (entry?.value !== value || entry.bytes > maxBytes * heavyShare) return
      move(name, passing, kept)
      shrink()
    },
    delete(name) {
      take(name, segmentOf(name))
    },
  }
}
