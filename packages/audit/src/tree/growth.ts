import { emptyRoot, nodeHash } from './hash.js'

/** A tree that grows at its right edge. It holds one hash for each perfect subtree: at most 53, however many leaves there are. */
export interface Growth {
  readonly size: number
  /** Adds a leaf by its hash. */
  append(leaf: Uint8Array): void
  /** The root of the tree as it is now. */
  root(): Uint8Array
}

/** Where a tree goes on growing. */
export interface GrownSo {
  readonly size: number
  /** The roots of its perfect subtrees, the largest first. */
  readonly peaks: readonly Uint8Array[]
}

/** The height of a tile: each holds the hashes of 2⁸ subtrees. */
const tileHeight = 8

/**
 * Lets a tree grow.
 * @param onTileHash is told each hash that belongs in a tile: those of leaves at level 0, of 256 leaves at level 1, and so on.
 */
export function growTree(
  { size: from, peaks: fromPeaks }: GrownSo,
  onTileHash: (level: number, index: number, hash: Uint8Array) => void = () => undefined,
): Growth {
  // bound: one call
  const peaks = [...fromPeaks]
  let size = from
  return {
    get size() {
      return size
    },
    append(leaf) {
      onTileHash(0, size, leaf)
      let hash = leaf
      let index = size
      for (let height = 1; index % 2 === 1; height++) {
        hash = nodeHash(peaks.pop() as Uint8Array, hash)
        index = (index - 1) / 2
        if (height % tileHeight === 0) onTileHash(height / tileHeight, index, hash)
      }
      peaks.push(hash)
      size++
    },
    root() {
      let root = peaks.at(-1)
      if (root === undefined) return emptyRoot()
      for (let at = peaks.length - 2; at >= 0; at--) root = nodeHash(peaks[at] as Uint8Array, root)
      return root
    },
  }
}
