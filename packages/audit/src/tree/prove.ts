import { emptyRoot, hashBytes, nodeHash, perfectRoot } from './hash.js'
import { hashesIn, tileWidth } from './tile.js'

/** The bytes of a tile of a log, or of the part of it that there is. */
export type ReadTile = (level: number, number: number) => Promise<Uint8Array>

/** Roots and proofs of a tree, read from its tiles. Each costs a number of tiles that grows with the logarithm of the size. */
export interface TiledTree {
  /** The root that the tree had at this size. */
  root(size: number): Promise<Uint8Array>
  /** The hashes beside the way from a leaf to the root. @see RFC 9162 §2.1.3 */
  inclusion(index: number, size: number): Promise<Uint8Array[]>
  /** The hashes that show a tree to begin with a smaller one. @see RFC 9162 §2.1.4 */
  consistency(from: number, to: number): Promise<Uint8Array[]>
}

/** The largest power of two below a number. */
function split(count: number): number {
  let half = 1
  while (half * 2 < count) half *= 2
  return half
}

const isPowerOfTwo = (count: number): boolean => count === 1 || split(count) * 2 === count

/** Reads a tree from its tiles. Keeps the tiles that it has read: make one for each question. */
export function tiledTree(read: ReadTile): TiledTree {
  // bound: one call
  const tiles = new Map<string, Promise<Uint8Array>>()

  async function perfect(start: number, count: number): Promise<Uint8Array> {
    const level = Math.floor(Math.log2(count) / 8)
    const row = tileWidth ** level
    const at = start / row
    const number = Math.floor(at / tileWidth)
    const name = `${level}/${number}`
    const tile = tiles.get(name) ?? read(level, number)
    tiles.set(name, tile)
    const from = at % tileWidth
    const hashes = (await tile).subarray(from * hashBytes, (from + count / row) * hashBytes)
    if (hashes.length !== (count / row) * hashBytes) throw new RangeError('a tile of the tree is too short')
    return perfectRoot(hashesIn(hashes))
  }

  async function rootOf(start: number, count: number): Promise<Uint8Array> {
    if (count === 0) return emptyRoot()
    if (isPowerOfTwo(count)) return perfect(start, count)
    const half = split(count)
    return nodeHash(await rootOf(start, half), await rootOf(start + half, count - half))
  }

  async function path(index: number, start: number, count: number): Promise<Uint8Array[]> {
    if (count === 1) return []
    const half = split(count)
    return index < half
      ? [...(await path(index, start, half)), await rootOf(start + half, count - half)]
      : [...(await path(index - half, start + half, count - half)), await rootOf(start, half)]
  }

  /** @param kept whether the verifier has the root of the first `from` leaves already */
  async function extension(from: number, [start, count]: readonly [number, number], kept: boolean) {
    if (from === count) return kept ? [] : [await rootOf(start, count)]
    const half = split(count)
    const hashes: Uint8Array[] =
      from <= half
        ? [...(await extension(from, [start, half], kept)), await rootOf(start + half, count - half)]
        : [...(await extension(from - half, [start + half, count - half], false)), await rootOf(start, half)]
    return hashes
  }

  return {
    root: size => rootOf(0, size),
    inclusion: (index, size) => path(index, 0, size),
    consistency: async (from, to) => (from === 0 ? [] : extension(from, [0, to], true)),
  }
}
