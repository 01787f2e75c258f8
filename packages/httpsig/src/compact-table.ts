// Open addressing over typed arrays: a Map of a million digests costs several times as much.
// Keys are digests of salted input, so their first words are uniform and serve as hash.

/** A set of digests, by their first 128 bits. */
export interface DigestTable {
  has(digest: Uint8Array): boolean
  /** `digest` must not be in the table. */
  add(digest: Uint8Array): void
}

/** Counts by digest, by its first 64 bits. */
export interface CountTable {
  get(digest: Uint8Array): number
  increment(digest: Uint8Array): void
}

interface Table {
  readonly width: number
  words: Uint32Array
  slots: number
  used: number
}

const firstSlots = 64

function table(width: number): Table {
  return { width, words: new Uint32Array(width * firstSlots), slots: firstSlots, used: 0 }
}

function word(digest: Uint8Array, index: number): number {
  const at = index * 4
  return (
    (((digest[at] ?? 0) << 24) |
      ((digest[at + 1] ?? 0) << 16) |
      ((digest[at + 2] ?? 0) << 8) |
      (digest[at + 3] ?? 0)) >>>
    0
  )
}

/** The first word marks a used slot, so it is never 0. */
function keyOf(digest: Uint8Array, words: number): number[] {
  const key: number[] = []
  for (let i = 0; i < words; i++) key.push(word(digest, i))
  key[0] = ((key[0] ?? 0) | 1) >>> 0
  return key
}

/** Where `key` is, or the free slot where it belongs; as an index of words. */
function find(in_: Table, key: readonly number[]): number {
  const mask = in_.slots - 1
  for (let slot = ((key[0] ?? 0) >>> 1) & mask; ; slot = (slot + 1) & mask) {
    const at = slot * in_.width
    if (in_.words[at] === 0) return at
    if (key.every((value, i) => in_.words[at + i] === value)) return at
  }
}

function grow(in_: Table, keyWords: number): void {
  const { words, width } = in_
  in_.slots *= 2
  in_.words = new Uint32Array(width * in_.slots)
  for (let at = 0; at < words.length; at += width) {
    if (words[at] === 0) continue
    const entry = words.subarray(at, at + width)
    in_.words.set(entry, find(in_, Array.from(entry.subarray(0, keyWords))))
  }
}

function occupy(in_: Table, key: readonly number[]): number {
  if ((in_.used + 1) * 4 > in_.slots * 3) grow(in_, key.length)
  in_.used++
  const at = find(in_, key)
  in_.words.set(key, at)
  return at
}

/** An empty set of digests. */
export function digestTable(): DigestTable {
  const held = table(4)
  return {
    has: digest => held.words[find(held, keyOf(digest, 4))] !== 0,
    add: digest => {
      occupy(held, keyOf(digest, 4))
    },
  }
}

/** An empty table of counts. */
export function countTable(): CountTable {
  const held = table(3)
  return {
    get: digest => held.words[find(held, keyOf(digest, 2)) + 2] ?? 0,
    increment: digest => {
      const key = keyOf(digest, 2)
      let at = find(held, key)
      if (held.words[at] === 0) at = occupy(held, key)
      held.words[at + 2] = (held.words[at + 2] ?? 0) + 1
    },
  }
}
