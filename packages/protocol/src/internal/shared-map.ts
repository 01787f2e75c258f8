import { checkOptions } from '@countersign/httpsig/internal'

/** The size of an entry of a {@link SharedMap}, and its owner. */
export interface Worth {
  readonly bytes: number
  /** The owner whose share it counts for; undefined when there are no shares, as in development. */
  readonly share?: string | undefined
}

/** A map filled by many callers: limited by the bytes of its entries, and shared between their owners. */
export interface SharedMap<K, V> {
  readonly size: number
  readonly bytes: number
  /** Counts as a use. */
  get(key: K): V | undefined
  /** Stores nothing when the entry alone is larger than a tenth of the map. */
  set(key: K, value: V, worth: Worth): void
  delete(key: K): void
  /** Drops entries from the least recently used on, up to the first for which `isOver` is false. */
  deleteWhile(isOver: (value: V) => boolean): void
}

interface Entry<V> extends Worth {
  readonly value: V
  /** The count of uses when it was moved to the end. */
  moved: number
}

interface Share<K> {
  bytes: number
  /** The least recently used first. */
  readonly keys: Set<K>
}

/**
 * Creates a {@link SharedMap}. Free room is open to every owner. When the map is full, owners with more than a tenth lose their least
 * recently used entries first, then the least recently used entries of all. Nothing is refused, unlike with `hasShare` of
 * `@countersign/httpsig`: a dropped cache entry costs work, but no security.
 * @param options.maxBytes most bytes of all entries
 * @param options.maxEntries most entries; default unlimited
 */
export function sharedMap<K, V>(options: { readonly maxBytes: number; readonly maxEntries?: number }): SharedMap<K, V> {
  checkOptions('sharedMap', options, { maxBytes: 'any', maxEntries: 'any' })
  const { maxBytes, maxEntries = Number.POSITIVE_INFINITY } = options
  if (!(maxBytes >= 1 && maxEntries >= 1)) throw new RangeError('maxBytes and maxEntries must be at least 1')
  // bound: maxBytes and maxEntries; bytes: maxBytes; grown by a stranger; shared: those that hold over a tenth give way
  // first; filled by shared-map.test.ts "owners with more than a tenth lose entries first"
  const entries = new Map<K, Entry<V>>()
  // bound: shares of the entries; bytes: some 100 an entry; grown by a stranger; shared: as the entries; filled by
  // shared-map.test.ts "the cost of an operation does not grow"
  const shares = new Map<string, Share<K>>()
  /** Owners with more than a tenth: nine at most. */
  // bound: 10 shares; bytes: small; grown by a stranger; shared: as the entries; filled by shared-map.test.ts "owners
  // with more than a tenth lose entries first"
  const large = new Set<string>()
  let bytes = 0
  let uses = 0

  function change(name: string | undefined, by: number, on: (keys: Set<K>) => void): void {
    bytes += by
    if (name === undefined) return
    // bound: entries of a share; bytes: some 50 an entry; grown by a stranger; shared: as the entries; filled by
    // shared-map.test.ts "the cost of an operation does not grow"
    const share = shares.get(name) ?? { bytes: 0, keys: new Set() }
    share.bytes += by
    on(share.keys)
    if (share.keys.size === 0) shares.delete(name)
    else shares.set(name, share)
    const isLarge = share.bytes > maxBytes / 10 || share.keys.size > maxEntries / 10
    if (isLarge) large.add(name)
    else large.delete(name)
  }

  function remove(key: K): void {
    const entry = entries.get(key)
    if (entry === undefined) return
    entries.delete(key)
    change(entry.share, -entry.bytes, keys => void keys.delete(key))
  }

  const isHalfFull = (): boolean => bytes > maxBytes / 2 || entries.size > maxEntries / 2

  /** The entry to drop next. */
  function oldest(): K | undefined {
    for (const name of large) for (const key of shares.get(name)?.keys ?? []) return key
    for (const key of entries.keys()) return key
    return undefined
  }

  return {
    get size() {
      return entries.size
    },
    get bytes() {
      return bytes
    },
    get(key) {
      const entry = entries.get(key)
      uses++
      if (entry === undefined) return undefined
      // Moving an entry at each use would cost too much. It is not needed while the map is half empty, or when the entry was moved
      // a moment ago.
      if (isHalfFull() && uses - entry.moved > entries.size / 8) {
        entry.moved = uses
        entries.delete(key)
        entries.set(key, entry)
        if (entry.share !== undefined) {
          const keys = shares.get(entry.share)?.keys
          keys?.delete(key)
          keys?.add(key)
        }
      }
      return entry.value
    },
    set(key, value, worth) {
      remove(key)
      if (worth.bytes > maxBytes / 10) return
      uses++
      entries.set(key, { value, bytes: worth.bytes, share: worth.share, moved: uses })
      change(worth.share, worth.bytes, keys => void keys.add(key))
      while (bytes > maxBytes || entries.size > maxEntries) {
        const key = oldest()
        if (key === undefined) break
        remove(key)
      }
    },
    delete: remove,
    deleteWhile(isOver) {
      for (const [key, { value }] of entries) {
        if (!isOver(value)) return
        remove(key)
      }
    },
  }
}
