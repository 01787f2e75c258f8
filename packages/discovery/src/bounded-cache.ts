/** A map that evicts its least recently used entries once it holds too many entries or too many bytes. */
export interface BoundedCache<T> {
  /** The value under a name; the entry becomes the most recently used one. */
  get(name: string): T | undefined
  /** Stores a value under a name, with a size of 0 bytes until it is weighed. */
  set(name: string, value: T): void
  /** Sets the size in bytes of one part of an entry; ignored when the name has another value by now. */
  weigh(name: string, value: T, weight: { readonly part: string; readonly bytes: number }): void
  /**
   * Marks an entry as proven: it is evicted after all that are not. Ignored when the name has another value by now, or when the
   * entry is very large.
   */
  markProven(name: string, value: T): void
  delete(name: string): void
}

/** How much a {@link BoundedCache} holds. */
export interface BoundedCacheOptions {
  readonly maxEntries: number
  readonly maxBytes: number
  /** The owner, such as a site, that an entry counts for among the proven ones; undefined: no owner. */
  readonly shareOf?: (name: string) => string | undefined
  /** Called with the name of every evicted entry. */
  readonly onEvict?: (name: string) => void
}

interface Entry<T> {
  readonly value: T
  /** Bytes by part. */
  readonly parts: Map<string, number>
  /** The sum of the parts. */
  bytes: number
  /** The `count` of the segment when the entry was last moved to its end. */
  at: number
  readonly share: string | undefined
}

/** Entries in the order of their last use, and their bytes together. */
interface Segment<T> {
  readonly entries: Map<string, Entry<T>>
  bytes: number
  /** How many times an entry was moved to the end so far. */
  count: number
}

/** The part of the cache that is for proven entries; the rest lets new entries live long enough to prove themselves. */
const provenShare = 0.8
/** An entry that takes a larger part of the bytes than this is never proven: a few such entries would evict thousands. */
const heavyShare = 1 / 512

/**
 * Bounded by entries and by bytes: strangers choose how many identifiers they name and how large their documents are.
 * In two segments, so that invented names evict no proven entry.
 * @throws RangeError when a bound is not a positive whole number
 */
export function boundedCache<T>(options: BoundedCacheOptions): BoundedCache<T> {
  const { maxEntries, maxBytes, onEvict, shareOf = () => undefined } = options
  for (const bound of [maxEntries, maxBytes])
    if (!Number.isSafeInteger(bound) || bound < 1) throw new RangeError('a bound must be a positive whole number')
  const unproven: Segment<T> = { entries: new Map(), bytes: 0, count: 0 }
  const proven: Segment<T> = { entries: new Map(), bytes: 0, count: 0 }
  const shares = provenShares({ maxEntries: maxEntries * provenShare, maxBytes: maxBytes * provenShare })
  const segmentOf = (name: string): Segment<T> => (proven.entries.has(name) ? proven : unproven)

  function remove(name: string, from: Segment<T>): Entry<T> | undefined {
    const entry = from.entries.get(name)
    if (entry === undefined) return undefined
    from.entries.delete(name)
    from.bytes -= entry.bytes
    if (from === proven) shares.remove(name, entry)
    return entry
  }

  /** A Map keeps the order of insertion: the entry used last goes to its end. */
  function append(name: string, entry: Entry<T>, into: Segment<T>): void {
    into.count += 1
    entry.at = into.count
    into.entries.set(name, entry)
    into.bytes += entry.bytes
    if (into === proven) shares.add(name, entry)
  }

  function move(name: string, from: Segment<T>, to: Segment<T>): void {
    const entry = remove(name, from)
    if (entry !== undefined) append(name, entry, to)
  }

  function evict(): void {
    while (proven.entries.size > maxEntries * provenShare || proven.bytes > maxBytes * provenShare) {
      const name = shares.surplus() ?? proven.entries.keys().next().value
      if (name === undefined) break
      move(name, proven, unproven)
    }
    // The proven entries are within their part of the room, so that evicting unproven ones is enough.
    for (const name of unproven.entries.keys()) {
      if (unproven.entries.size + proven.entries.size <= maxEntries && unproven.bytes + proven.bytes <= maxBytes) return
      remove(name, unproven)
      onEvict?.(name)
    }
  }

  return {
    get(name) {
      const segment = segmentOf(name)
      const entry = segment.entries.get(name)
      // An entry of the most recent quarter stays in place: moving it at every use would churn the map for nothing.
      if (entry !== undefined && segment.count - entry.at >= segment.entries.size / 4) move(name, segment, segment)
      return entry?.value
    },
    set(name, value) {
      remove(name, segmentOf(name))
      append(name, { value, parts: new Map(), bytes: 0, at: 0, share: shareOf(name) }, unproven)
      evict()
    },
    weigh(name, value, { part, bytes }) {
      const segment = segmentOf(name)
      const entry = segment.entries.get(name)
      if (entry?.value !== value) return
      const change = bytes - (entry.parts.get(part) ?? 0)
      entry.parts.set(part, bytes)
      if (segment === proven) shares.remove(name, entry)
      entry.bytes += change
      segment.bytes += change
      if (segment === proven) shares.add(name, entry)
      if (segment === proven && entry.bytes > maxBytes * heavyShare) move(name, proven, unproven)
      evict()
    },
    markProven(name, value) {
      const entry = unproven.entries.get(name)
      if (entry?.value !== value || entry.bytes > maxBytes * heavyShare) return
      move(name, unproven, proven)
      evict()
    },
    delete(name) {
      remove(name, segmentOf(name))
    },
  }
}

/** How much each owner holds of the proven entries. */
interface ProvenShares {
  add(name: string, entry: Pick<Entry<unknown>, 'share' | 'bytes'>): void
  remove(name: string, entry: Pick<Entry<unknown>, 'share' | 'bytes'>): void
  /** The oldest entry of an owner that holds more than a tenth; it is the first to leave. */
  surplus(): string | undefined
}

/**
 * A domain can invent any number of names that all prove good; it must not evict all other participants with them. `sharedMap` of
 * `@countersign/protocol` does not fit: here the oldest entry leaves, not the least recently used one, and in a cache for three names
 * each owner may hold one.
 */
function provenShares({
  maxEntries,
  maxBytes,
}: {
  readonly maxEntries: number
  readonly maxBytes: number
}): ProvenShares {
  const held = new Map<string, { readonly names: Set<string>; bytes: number }>()
  const large = new Set<string>()
  const change = (share: string | undefined, bytes: number, on: (names: Set<string>) => void): void => {
    if (share === undefined) return
    const of = held.get(share) ?? { names: new Set<string>(), bytes: 0 }
    of.bytes += bytes
    on(of.names)
    if (of.names.size === 0) held.delete(share)
    else held.set(share, of)
    // A tenth of a small cache is less than one entry.
    if (of.names.size > Math.max(1, maxEntries / 10) || of.bytes > maxBytes / 10) large.add(share)
    else large.delete(share)
  }
  return {
    add: (name, { share, bytes }) => change(share, bytes, names => void names.add(name)),
    remove: (name, { share, bytes }) => change(share, -bytes, names => void names.delete(name)),
    surplus() {
      for (const share of large) for (const name of held.get(share)?.names ?? []) return name
      return undefined
    },
  }
}
