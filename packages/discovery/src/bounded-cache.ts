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
  for (const bound of [options.maxEntries, options.maxBytes])
    if (!Number.isSafeInteger(bound) || bound < 1) throw new RangeError('a bound must be a positive whole number')
  return new SegmentedCache(options)
}

class SegmentedCache<T> implements BoundedCache<T> {
  readonly #options: BoundedCacheOptions
  // bound: maxEntries, 10 000 of a role; bytes: 4 KiB × maxEntries, 32 MiB at least; grown by a stranger; shared: four
  // fifths for proven entries; those of a site that holds over a tenth of these are evicted first; filled by
  // bounded-collections-fills.test.ts "proven names of one domain"
  readonly #unproven: Segment<T> = { entries: new Map(), bytes: 0, count: 0 }
  // bound: maxEntries, 10 000 of a role; bytes: 4 KiB × maxEntries, 32 MiB at least; grown by a stranger; shared: four
  // fifths for proven entries; those of a site that holds over a tenth of these are evicted first; filled by
  // bounded-collections-fills.test.ts "proven names of one domain"
  readonly #proven: Segment<T> = { entries: new Map(), bytes: 0, count: 0 }
  readonly #shares: ProvenShares

  constructor(options: BoundedCacheOptions) {
    this.#options = options
    const { maxEntries, maxBytes } = options
    this.#shares = provenShares({ maxEntries: maxEntries * provenShare, maxBytes: maxBytes * provenShare })
  }

  get(name: string): T | undefined {
    const segment = this.#segmentOf(name)
    const entry = segment.entries.get(name)
    // An entry of the most recent quarter stays in place: moving it at every use would churn the map for nothing.
    if (entry !== undefined && segment.count - entry.at >= segment.entries.size / 4) this.#move(name, segment, segment)
    return entry?.value
  }

  set(name: string, value: T): void {
    this.#remove(name, this.#segmentOf(name))
    const share = this.#options.shareOf?.(name)
    // bound: two documents and the imported keys; bytes: of numbers; grown by a stranger; shared: each entry its own;
    // filled by bounded-cache.test.ts "the cache keeps its bounds"
    this.#append(name, { value, parts: new Map(), bytes: 0, at: 0, share }, this.#unproven)
    this.#evict()
  }

  weigh(name: string, value: T, { part, bytes }: { readonly part: string; readonly bytes: number }): void {
    const segment = this.#segmentOf(name)
    const entry = segment.entries.get(name)
    if (entry?.value !== value) return
    const isProven = segment === this.#proven
    const change = bytes - (entry.parts.get(part) ?? 0)
    entry.parts.set(part, bytes)
    if (isProven) this.#shares.remove(name, entry)
    entry.bytes += change
    segment.bytes += change
    if (isProven) this.#shares.add(name, entry)
    if (isProven && this.#isHeavy(entry)) this.#move(name, segment, this.#unproven)
    this.#evict()
  }

  markProven(name: string, value: T): void {
    const entry = this.#unproven.entries.get(name)
    if (entry?.value !== value || this.#isHeavy(entry)) return
    this.#move(name, this.#unproven, this.#proven)
    this.#evict()
  }

  delete(name: string): void {
    this.#remove(name, this.#segmentOf(name))
  }

  #segmentOf(name: string): Segment<T> {
    return this.#proven.entries.has(name) ? this.#proven : this.#unproven
  }

  #isHeavy({ bytes }: Entry<T>): boolean {
    return bytes > this.#options.maxBytes * heavyShare
  }

  #remove(name: string, from: Segment<T>): Entry<T> | undefined {
    const entry = from.entries.get(name)
    if (entry === undefined) return undefined
    from.entries.delete(name)
    from.bytes -= entry.bytes
    if (from === this.#proven) this.#shares.remove(name, entry)
    return entry
  }

  /** A Map keeps the order of insertion: the entry used last goes to its end. */
  #append(name: string, entry: Entry<T>, into: Segment<T>): void {
    into.count += 1
    entry.at = into.count
    into.entries.set(name, entry)
    into.bytes += entry.bytes
    if (into === this.#proven) this.#shares.add(name, entry)
  }

  #move(name: string, from: Segment<T>, to: Segment<T>): void {
    const entry = this.#remove(name, from)
    if (entry !== undefined) this.#append(name, entry, to)
  }

  #evict(): void {
    const { maxEntries, maxBytes, onEvict } = this.#options
    const [proven, unproven] = [this.#proven, this.#unproven]
    while (proven.entries.size > maxEntries * provenShare || proven.bytes > maxBytes * provenShare) {
      const name = this.#shares.surplus() ?? proven.entries.keys().next().value
      if (name === undefined) break
      this.#move(name, proven, unproven)
    }
    // The proven entries are within their part of the room, so that evicting unproven ones is enough.
    for (const name of unproven.entries.keys()) {
      if (unproven.entries.size + proven.entries.size <= maxEntries && unproven.bytes + proven.bytes <= maxBytes) return
      this.#remove(name, unproven)
      onEvict?.(name)
    }
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
  // bound: sites of proven entries; bytes: some 100 an entry of the cache; grown by a stranger; shared: as the cache;
  // filled by bounded-collections-fills.test.ts "proven names of one domain"
  const held = new Map<string, { readonly names: Set<string>; bytes: number }>()
  // bound: 10 sites; bytes: small; grown by a stranger; shared: as the cache; filled by
  // bounded-collections-fills.test.ts "proven names of one domain"
  const large = new Set<string>()
  const change = (share: string | undefined, bytes: number, on: (names: Set<string>) => void): void => {
    if (share === undefined) return
    // bound: names of proven entries; bytes: some 100 an entry of the cache; grown by a stranger; shared: as the cache;
    // filled by bounded-collections-fills.test.ts "proven names of one domain"
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
