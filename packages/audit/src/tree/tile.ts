import type { GrownSo } from './growth.js'
import { hashBytes, perfectRoot } from './hash.js'

/** Hashes of a full tile. */
export const tileWidth = 256

/** The place of a tile in a log. */
export interface TilePlace {
  readonly level: number
  readonly number: number
  /** How many hashes it holds, 1 to 256. */
  readonly width: number
}

/** How many hashes the tiles of a level hold in a tree of this size. */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / tileWidth ** level)
}

/** The width of a tile in a tree of this size; 0 where the tree has no such tile. */
export function widthOf(level: number, number: number, size: number): number {
  return Math.max(0, Math.min(tileWidth, hashesAt(level, size) - number * tileWidth))
}

/** The levels that a tree of this size has tiles at. */
export function levelsOf(size: number): number[] {
  const levels: number[] = []
  for (let level = 0; hashesAt(level, size) > 0; level++) levels.push(level)
  return levels
}

/** The tiles at the right edge of a tree that are not full. */
export function partialTiles(size: number): TilePlace[] {
  return levelsOf(size)
    .map(level => ({
      level,
      number: Math.floor(hashesAt(level, size) / tileWidth),
      width: hashesAt(level, size) % tileWidth,
    }))
    .filter(({ width }) => width > 0)
}

/**
 * The path of a tile below a log's prefix, such as `tile/0/x001/234` or `tile/1/000.p/17`.
 * @see c2sp.org/tlog-tiles
 */
export function tilePath({ level, number, width }: { readonly level: number | 'entries' } & Omit<TilePlace, 'level'>) {
  const digits = String(number)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const path = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/')
  return `tile/${level}/${path}${width === tileWidth ? '' : `.p/${width}`}`
}

/** The hashes in a tile. */
export function hashesIn(tile: Uint8Array): Uint8Array[] {
  return Array.from({ length: tile.length / hashBytes }, (_, at) => tile.subarray(at * hashBytes, (at + 1) * hashBytes))
}

/** The roots of a tree's perfect subtrees, from its partial tiles. */
export function peaksOf(size: number, partial: (place: TilePlace) => readonly Uint8Array[]): GrownSo {
  const peaks = partialTiles(size)
    .toReversed()
    .flatMap(place => {
      const hashes = partial(place).slice(0, place.width)
      const found: Uint8Array[] = []
      let at = 0
      for (let span = tileWidth / 2; span >= 1; span /= 2) {
        if (hashes.length - at < span) continue
        found.push(perfectRoot(hashes.slice(at, at + span)))
        at += span
      }
      return found
    })
  return { size, peaks }
}
