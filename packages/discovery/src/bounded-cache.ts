/** A map that forgets what was used least recently once it holds too many entries or too many bytes. */
export interface BoundedCache<T> {
  /** What is under a name; using it makes it the last to be forgotten of its kind. */
  get(name: string): T | undefined
  /** Puts something under a name, weighing nothing yet. */
  set(name: string, value: T): void
  /** Says what one part of an entry weighs by now, in bytes; in vain when another value took its place. */
  weigh(name: string, value: T, weight: { readonly part: string; readonly bytes: number }): void
  /** Says that an entry has proven good: it goes after all that have not. In vain when it is very heavy. */
  markProven(name: string, value: T): void
  delete(name: string): void
}

/** How much a {@link BoundedCache} holds. */
export interface BoundedCacheOptions {
  readonly maxEntries: number
  readonly maxBytes: number
  /** Whose share an entry takes of what has proven good; none where nobody shares. */
  readonly shareOf?: (name: string) => string | undefined
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
  readonly share: string | undefined
}

/** Entries in the order of their last use, and what they weigh together. */
interface Segment<T> {
  readonly entries: Map<string, Entry<T>>
  bytes: number
  /** How many have gone to the end so far. */
  count: number
}

/** Of all room, so much is for what has proven good; the rest lets newcomers live long enough to prove it. */
const provenShare = 0.8
/** An entry that alone takes more than this share of the bytes is not kept: a few of them would push out thousands. */
const heavyShare = 1 / 512

/**
 * Bounded by entries and by bytes: strangers choose how many identifiers they name and how large their documents are.
 * In two segments, so that names which anybody can invent push out no entry that has proven good.
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

  /** A Map keeps the order of insertion: whatever is used goes to its end. */
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
    // Newcomers first; of what has proven good never more than its share is left, so that they go before it.
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
      // One of the youngest quarter stays where it is: what is used all the time would churn the map for nothing.
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

/** Who holds how much of what has proven good. */
interface ProvenShares {
  add(name: string, entry: Pick<Entry<unknown>, 'share' | 'bytes'>): void
  remove(name: string, entry: Pick<Entry<unknown>, 'share' | 'bytes'>): void
  /** An entry of those who hold more than a tenth: they give way before all others, with what came first. */
  surplus(): string | undefined
}

/**
 * A domain has names without end, and each of them can prove good: it must not push out everybody else. Not by `sharedMap` of
 * `@countersign/protocol`: here the first that came gives way, not the longest unused, and of a cache for three names each may hold one.
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
    // Of a small cache a tenth is less than one.
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
