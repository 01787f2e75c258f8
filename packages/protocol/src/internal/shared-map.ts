import { checkOptions } from '@countersign/httpsig'

/** What an entry of a {@link SharedMap} is worth, and whose it is. */
export interface Worth {
  readonly bytes: number
  /** Whose share it takes; none where nobody shares, as in development. */
  readonly share?: string | undefined
}

/** A map that strangers fill: bounded by the bytes its entries are worth, and shared between those whose they are. */
export interface SharedMap<K, V> {
  readonly size: number
  readonly bytes: number
  /** A use, too. */
  get(key: K): V | undefined
  /** In vain where the entry alone is worth more than a tenth of the room. */
  set(key: K, value: V, worth: Worth): void
  delete(key: K): void
  /** Forgets those that have had their time, the longest unused first; ends with the first that has not. */
  deleteWhile(isOver: (value: V) => boolean): void
}

interface Entry<V> extends Worth {
  readonly value: V
  /** The count of uses when it went to the end. */
  moved: number
}

interface Share<K> {
  bytes: number
  /** The longest unused first. */
  readonly keys: Set<K>
}

/**
 * Where there is room anybody may have it. When it is full, those who hold more than a tenth give way first, with what they have not
 * used for longest; then whatever was not used for longest. Nothing is refused, as it is by `hasShare` of `@countersign/httpsig`: what
 * is forgotten here costs work, and no one's safety.
 * @param options.maxBytes of all entries together
 * @param options.maxEntries default no bound but that of bytes
 */
export function sharedMap<K, V>(options: { readonly maxBytes: number; readonly maxEntries?: number }): SharedMap<K, V> {
  checkOptions('sharedMap', options, { maxBytes: 'any', maxEntries: 'any' })
  const { maxBytes, maxEntries = Number.POSITIVE_INFINITY } = options
  if (!(maxBytes >= 1 && maxEntries >= 1)) throw new RangeError('maxBytes and maxEntries must be at least 1')
  const entries = new Map<K, Entry<V>>()
  const shares = new Map<string, Share<K>>()
  /** Those who hold more than a tenth: nine at most. */
  const large = new Set<string>()
  let bytes = 0
  let uses = 0

  function change(name: string | undefined, by: number, on: (keys: Set<K>) => void): void {
    bytes += by
    if (name === undefined) return
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

  /** What gives way next. */
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
      // While there is much room nothing leaves, and what was used a moment ago is far from leaving: moving it each time would churn
      // the maps for nothing.
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
