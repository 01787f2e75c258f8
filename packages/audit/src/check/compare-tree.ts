import { join } from 'node:path'
import { growTree } from '../tree/growth.js'
import { hashBytes, leafHash } from '../tree/hash.js'
import { hashesIn, tilePath, tileWidth, widthOf } from '../tree/tile.js'
import type { FaultList } from './audit-fault.js'
import { smallFile } from './lines.js'

/** A tree that is read from the tiles of an export. */
export interface ReadTree {
  readonly size: number
  root(): Uint8Array
  /** The leaves of a tile of level 0; undefined where it is missing or too short. */
  readTile(number: number): Promise<Buffer[] | undefined>
  append(leaf: Uint8Array): void
  /** Compares the tiles above that are complete; at the end, those that are not. */
  compareAbove(isEnd: boolean): Promise<void>
  /** Compares a bundle with the leaves of its tile. */
  compareBundle(number: number, leaves: readonly Buffer[]): Promise<void>
}

/** The longest bundle: 256 entries with their lengths. */
const maxBundle = tileWidth * (2 + 65_535)

/** Reads the tree of an export of this size. Memory: one tile a level, and one bundle. */
export function readTree(folder: string, size: number, faults: FaultList): ReadTree {
  // bound: one call
  const above = new Map<number, { readonly number: number; readonly hashes: Uint8Array[] }>()
  // bound: one call
  let complete: Array<{ readonly level: number; readonly number: number; readonly hashes: readonly Uint8Array[] }> = []
  const tree = growTree({ size: 0, peaks: [] }, (level, index, hash) => {
    if (level === 0) return
    const tile = above.get(level) ?? { number: Math.floor(index / tileWidth), hashes: [] }
    above.set(level, tile)
    // bound: one call
    tile.hashes.push(hash)
    if (tile.hashes.length < tileWidth) return
    complete.push({ level, ...tile })
    above.delete(level)
  })

  return {
    get size() {
      return tree.size
    },
    root: tree.root,
    append: tree.append,
    async readTile(number) {
      const width = widthOf(0, number, size)
      const path = tilePath({ level: 0, number, width })
      const tile = await smallFile(join(folder, path), width * hashBytes)
      if (tile?.length === width * hashBytes) return hashesIn(tile).map(hash => Buffer.from(hash))
      faults.add({ kind: 'tile', path })
      return undefined
    },
    async compareAbove(isEnd) {
      const tiles = isEnd ? [...complete, ...[...above].map(([level, tile]) => ({ level, ...tile }))] : complete
      complete = []
      for (const { level, number, hashes } of tiles) {
        const path = tilePath({ level, number, width: hashes.length })
        const tile = await smallFile(join(folder, path), tileWidth * hashBytes)
        if (tile === undefined || !tile.equals(Buffer.concat(hashes))) faults.add({ kind: 'tile', path })
      }
    },
    async compareBundle(number, leaves) {
      const path = tilePath({ level: 'entries', number, width: leaves.length })
      const bundle = await smallFile(join(folder, path), maxBundle)
      if (bundle === undefined || !isBundleOf(bundle, leaves)) faults.add({ kind: 'tile', path })
    },
  }
}

function isBundleOf(bundle: Buffer, leaves: readonly Buffer[]): boolean {
  let at = 0
  for (const leaf of leaves) {
    if (at + 2 > bundle.length) return false
    const end = at + 2 + bundle.readUInt16BE(at)
    if (end > bundle.length || !leafHash(bundle.subarray(at + 2, end)).equals(leaf)) return false
    at = end
  }
  return at === bundle.length
}
