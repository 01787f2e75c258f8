// Open addressing in typed arrays: a Map of a million digests would take several times the memory.
// Keys are digests of salted input, so their first words are uniform and serve as hash.

/** The first 96 bits of a digest, as the tables of this file store it. */
export type DigestKey = readonly [number, number, number]

/** A set of digests by their first 96 bits: 12 bytes each, 16 to 32 with the free slots. */
export interface DigestTable {
  has(key: DigestKey): boolean
  /** `key` must not be in the table. */
  add(key: DigestKey): void
}

/** Counts by the first 64 bits of a digest: 12 bytes each, 16 to 32 with the free slots. */
export interface CountTable {
  get(key: DigestKey): number
  increment(key: DigestKey): void
}

interface Table {
  words: Uint32Array
  slots: number
  used: number
}

const width = 3
const firstSlots = 64

function table(): Table {
  return { words: new Uint32Array(width * firstSlots), slots: firstSlots, used: 0 }
}

/** The key of a digest of 12 bytes or more. Its first word is never 0, which marks a free slot. */
export function digestKey(digest: Uint8Array): DigestKey {
  const view = new DataView(digest.buffer, digest.byteOffset, 12)
  return [(view.getUint32(0) | 1) >>> 0, view.getUint32(4), view.getUint32(8)]
}

/**
 * The index of the key's first word, or of the free slot where it belongs. The third word is compared only when it is given.
 * The parameters of `find` and `put` are positional: both run for every request, which an object would slow down.
 */
function find({ words, slots }: Table, first: number, second: number, third?: number): number {
  const mask = slots - 1
  for (let slot = (first >>> 1) & mask; ; slot = (slot + 1) & mask) {
    const at = slot * width
    if (words[at] === 0) return at
    if (words[at] === first && words[at + 1] === second && (third === undefined || words[at + 2] === third)) return at
  }
}

function grow(held: Table): void {
  const { words } = held
  held.slots *= 2
  held.words = new Uint32Array(width * held.slots)
  for (let from = 0; from < words.length; from += width) {
    const [first = 0, second = 0, third = 0] = words.subarray(from, from + width)
    if (first !== 0) put(held, find(held, first, second, third), first, second, third)
  }
}

function put({ words }: Table, at: number, first: number, second: number, third: number): void {
  words[at] = first
  words[at + 1] = second
  words[at + 2] = third
}

/** Makes room for one more. */
function reserve(held: Table): void {
  if ((held.used + 1) * 4 > held.slots * 3) grow(held)
  held.used++
}

/** An empty set of digests. */
export function digestTable(): DigestTable {
  const held = table()
  return {
    has: ([first, second, third]) => held.words[find(held, first, second, third)] !== 0,
    add([first, second, third]) {
      reserve(held)
      put(held, find(held, first, second, third), first, second, third)
    },
  }
}

/** An empty table of counts. */
export function countTable(): CountTable {
  const held = table()
  return {
    get: ([first, second]) => held.words[find(held, first, second) + 2] ?? 0,
    increment([first, second]) {
      let at = find(held, first, second)
      if (held.words[at] === 0) {
        reserve(held)
        at = find(held, first, second)
      }
      put(held, at, first, second, (held.words[at + 2] ?? 0) + 1)
    },
  }
}
