/** A map with a capacity: when it is full, it drops the least recently used entry. */
export interface BoundedMap<K, V> {
  /** Counts as a use. */
  get(key: K): V | undefined
  set(key: K, value: V): void
  delete(key: K): void
  /** Drops the entries for which `isOver` is true. */
  deleteWhere(isOver: (value: V) => boolean): void
}

/** Creates a {@link BoundedMap}. @param capacity most entries, at least 1 */
export function boundedMap<K, V>(capacity: number): BoundedMap<K, V> {
  // bound: capacity; bytes: said where it is used; grown by a stranger; shared: by use: the one unused for longest
  // goes; filled by bounded-collections-fills.test.ts "a bounded map"
  const entries = new Map<K, V>()
  return {
    get(key) {
      const value = entries.get(key)
      if (value === undefined) return value
      entries.delete(key)
      entries.set(key, value)
      return value
    },
    set(key, value) {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size <= capacity) return
      const oldest = entries.keys().next()
      if (oldest.done !== true) entries.delete(oldest.value)
    },
    delete(key) {
      entries.delete(key)
    },
    deleteWhere(isOver) {
      for (const [key, value] of entries) if (isOver(value)) entries.delete(key)
    },
  }
}
