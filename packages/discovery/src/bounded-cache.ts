/** A map that forgets what was used least recently once it holds too many entries or too many bytes. */
export interface BoundedCache<T> {
  /** What is kept under a name; using it keeps it. */
  get(name: string): T | undefined
  /** Keeps something under a name, weighing nothing yet. */
  set(name: string, value: T): void
  /** Says what one part of an entry weighs by now, in bytes; in vain when another value took its place. */
  weigh(name: string, value: T, weight: { readonly part: string; readonly bytes: number }): void
  delete(name: string): void
}

interface Entry<T> {
  readonly value: T
  readonly parts: Map<string, number>
}

/**
 * Bounded by entries and by bytes: strangers choose how many identifiers they name and how large their documents are.
 * @throws RangeError when a bound is not a positive whole number
 */
export function boundedCache<T>({ maxEntries, maxBytes }: { maxEntries: number; maxBytes: number }): BoundedCache<T> {
  for (const bound of [maxEntries, maxBytes])
    if (!Number.isSafeInteger(bound) || bound < 1) throw new RangeError('a bound must be a positive whole number')
  const entries = new Map<string, Entry<T>>()
  let bytes = 0

  function remove(name: string): void {
    for (const weight of entries.get(name)?.parts.values() ?? []) bytes -= weight
    entries.delete(name)
  }

  function shrink(): void {
    for (const name of entries.keys()) {
      if (entries.size <= maxEntries && bytes <= maxBytes) return
      remove(name)
    }
  }

  return {
    get(name) {
      const entry = entries.get(name)
      if (entry === undefined) return undefined
      // A Map keeps the order of insertion: whatever is used goes to its end.
      entries.delete(name)
      entries.set(name, entry)
      return entry.value
    },
    set(name, value) {
      remove(name)
      entries.set(name, { value, parts: new Map() })
      shrink()
    },
    weigh(name, value, weight) {
      const entry = entries.get(name)
      if (entry?.value !== value) return
      bytes += weight.bytes - (entry.parts.get(weight.part) ?? 0)
      entry.parts.set(weight.part, weight.bytes)
      shrink()
    },
    delete: remove,
  }
}
