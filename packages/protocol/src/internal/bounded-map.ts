/** A map that forgets the entry unused for longest when it is full, so that no number of strangers can grow it. */
export interface BoundedMap<K, V> {
  /** A use, too. */
  get(key: K): V | undefined
  set(key: K, value: V): void
  delete(key: K): void
  /** Forgets those that have had their time. */
  deleteWhere(isOver: (value: V) => boolean): void
}

/** @param capacity entries held, at least 1 */
export function boundedMap<K, V>(capacity: number): BoundedMap<K, V> {
  const entries = new Map<K, V>()
  return {
    get(key) {
      const value = entries.get(key)
      if (value === undefined) return undefined
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
