import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { leafHash, verifyConsistency, verifyInclusion } from '../index.js'
import { growTree } from './growth.js'
import { emptyRoot } from './hash.js'
import { tiledTree } from './prove.js'
import { hashesIn, partialTiles, peaksOf, tilePath, widthOf } from './tile.js'

interface Vectors {
  readonly leaves: readonly string[]
  readonly emptyRoot: string
  readonly roots: readonly string[]
  readonly inclusion: ReadonlyArray<{
    readonly index: number
    readonly size: number
    readonly hashes: readonly string[]
  }>
  readonly consistency: ReadonlyArray<{
    readonly from: number
    readonly to: number
    readonly hashes: readonly string[]
  }>
}

const vectors = JSON.parse(
  readFileSync(new URL('certificate-transparency.test.json', import.meta.url), 'utf8'),
) as Vectors
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const fromHex = (text: string): Buffer => Buffer.from(text, 'hex')

/** A tree with its tiles in memory, and its root at each size. */
function grown(leaves: readonly Uint8Array[]) {
  const tiles = new Map<string, Uint8Array[]>()
  const roots = [emptyRoot() as Uint8Array]
  const tree = growTree({ size: 0, peaks: [] }, (level, index, hash) => {
    const name = `${level}/${Math.floor(index / 256)}`
    tiles.set(name, [...(tiles.get(name) ?? []), hash])
  })
  for (const leaf of leaves) {
    tree.append(leaf)
    roots.push(tree.root())
  }
  return {
    roots,
    tiles,
    tree: tiledTree(async (level, number) => Buffer.concat(tiles.get(`${level}/${number}`) ?? [])),
  }
}

describe('the test tree of Certificate Transparency', () => {
  const { roots, tree } = grown(vectors.leaves.map(leaf => leafHash(fromHex(leaf))))

  test('has its known roots, and the empty tree its own', async () => {
    expect(roots.map(hex)).toEqual([vectors.emptyRoot, ...vectors.roots])
    for (const [size, root] of [vectors.emptyRoot, ...vectors.roots].entries())
      expect(hex(await tree.root(size))).toBe(root)
  })

  test.each(vectors.inclusion)('the known path of leaf $index in $size leaves', async ({ index, size, hashes }) => {
    expect((await tree.inclusion(index, size)).map(hex)).toEqual(hashes)
    const proof = { index, size, leaf: leafHash(fromHex(vectors.leaves[index] ?? '')), hashes: hashes.map(fromHex) }
    expect(verifyInclusion({ ...proof, root: fromHex(vectors.roots[size - 1] ?? '') })).toBe(true)
    expect(verifyInclusion({ ...proof, root: fromHex(vectors.emptyRoot) })).toBe(false)
  })

  test.each(vectors.consistency)('the known proof that $to leaves begin with $from', async ({ from, to, hashes }) => {
    expect((await tree.consistency(from, to)).map(hex)).toEqual(hashes)
    const fromRoot = fromHex(vectors.roots[from - 1] ?? '')
    const proof = { from, fromRoot, to, hashes: hashes.map(fromHex) }
    expect(verifyConsistency({ ...proof, toRoot: fromHex(vectors.roots[to - 1] ?? '') })).toBe(true)
    expect(verifyConsistency({ ...proof, toRoot: fromHex(vectors.emptyRoot) })).toBe(false)
  })
})

/** The hashes with one bit of one of them changed. */
function flipped(hashes: readonly Uint8Array[], bit: number): Uint8Array[] {
  const changed = hashes.map(hash => Buffer.from(hash))
  const at = changed[Math.floor(bit / 256) % changed.length]
  if (at !== undefined) at[(bit >> 3) % 32] = (at[(bit >> 3) % 32] ?? 0) ^ (1 << (bit % 8))
  return changed
}

describe('trees of all sizes to 200', () => {
  const count = 200
  const leaves = Array.from({ length: count }, (_, n) => leafHash(`entry ${n}`))
  const { roots, tree } = grown(leaves)
  const places = (size: number): number[] =>
    Array.from({ length: size }, (_, n) => n).filter(n => n < 2 || n > size - 3 || n % 29 === size % 29)

  test('include each leaf, and no proof with one bit changed, a hash more or less, or at another place', async () => {
    for (let size = 1; size <= count; size++)
      for (const index of places(size)) {
        const hashes = await tree.inclusion(index, size)
        const proof = { index, size, leaf: leaves[index] as Buffer, hashes, root: roots[size] as Uint8Array }
        const where = `${index} of ${size}`
        expect(verifyInclusion(proof), where).toBe(true)
        const bit = index * 31 + size * 7
        if (hashes.length > 0) {
          expect(verifyInclusion({ ...proof, hashes: flipped(hashes, bit) }), where).toBe(false)
          expect(verifyInclusion({ ...proof, hashes: hashes.slice(1) }), where).toBe(false)
        }
        expect(verifyInclusion({ ...proof, hashes: [...hashes, leaves[0] as Buffer] }), where).toBe(false)
        expect(verifyInclusion({ ...proof, leaf: flipped([proof.leaf], bit)[0] as Uint8Array }), where).toBe(false)
        expect(verifyInclusion({ ...proof, root: flipped([proof.root], bit)[0] as Uint8Array }), where).toBe(false)
        expect(verifyInclusion({ ...proof, index: index + 1 }), where).toBe(false)
      }
  })

  test('begin with each smaller one, and no proof with one bit changed, or a hash more or less', async () => {
    for (let to = 1; to <= count; to++)
      for (const from of [...places(to).slice(1), to]) {
        const hashes = await tree.consistency(from, to)
        const proof = { from, fromRoot: roots[from] as Uint8Array, to, toRoot: roots[to] as Uint8Array, hashes }
        const where = `${from} of ${to}`
        expect(verifyConsistency(proof), where).toBe(true)
        const bit = from * 31 + to * 7
        if (hashes.length > 0) {
          expect(verifyConsistency({ ...proof, hashes: flipped(hashes, bit) }), where).toBe(false)
          expect(verifyConsistency({ ...proof, hashes: hashes.slice(1) }), where).toBe(false)
        }
        expect(verifyConsistency({ ...proof, hashes: [...hashes, leaves[0] as Buffer] }), where).toBe(false)
        expect(verifyConsistency({ ...proof, fromRoot: flipped([proof.fromRoot], bit)[0] as Uint8Array })).toBe(false)
        expect(verifyConsistency({ ...proof, toRoot: flipped([proof.toRoot], bit)[0] as Uint8Array })).toBe(false)
      }
  })
})

test('sizes and places that are none are refused, beside one that is', () => {
  const leaf = leafHash('a')
  const proof = { index: 0, size: 1, leaf, hashes: [], root: leaf }
  expect(verifyInclusion(proof)).toBe(true)
  for (const index of [-1, 0.5, Number.NaN, 1, 2 ** 53]) expect(verifyInclusion({ ...proof, index })).toBe(false)
  for (const size of [0, -1, Number.NaN]) expect(verifyInclusion({ ...proof, size })).toBe(false)
  const one = { from: 1, fromRoot: leaf, to: 1, toRoot: leaf, hashes: [] }
  expect(verifyConsistency(one)).toBe(true)
  for (const from of [2, -1, 0.5, Number.NaN]) expect(verifyConsistency({ ...one, from })).toBe(false)
})

test('a leaf is no inner node: the hash of two leaves is not the hash of their text', () => {
  const { roots } = grown([leafHash('a'), leafHash('b')])
  const text = Buffer.concat([Buffer.of(1), leafHash('a'), leafHash('b')])
  expect(hex(leafHash(text))).not.toBe(hex(roots[2] as Uint8Array))
})

describe('tiles', () => {
  test('stand at the paths of C2SP', () => {
    expect(tilePath({ level: 0, number: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067')
    expect(tilePath({ level: 1, number: 0, width: 17 })).toBe('tile/1/000.p/17')
    expect(tilePath({ level: 'entries', number: 273, width: 112 })).toBe('tile/entries/273.p/112')
  })

  test('of 70 000 leaves are those that C2SP lists', () => {
    expect(partialTiles(70_000)).toEqual([
      { level: 0, number: 273, width: 112 },
      { level: 1, number: 1, width: 17 },
      { level: 2, number: 0, width: 1 },
    ])
    expect(widthOf(0, 272, 70_000)).toBe(256)
    expect(partialTiles(256)).toEqual([{ level: 1, number: 0, width: 1 }])
  })

  test('let a tree go on where it ended, at every size about a full tile', async () => {
    const leaves = Array.from({ length: 1100 }, (_, n) => leafHash(`entry ${n}`))
    const { roots, tiles, tree } = grown(leaves)
    for (const size of [0, 1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 1023, 1024, 1099]) {
      const at = ({ level, number, width }: { level: number; number: number; width: number }) =>
        (tiles.get(`${level}/${number}`) ?? []).slice(0, width)
      const again = growTree(peaksOf(size, at))
      expect(hex(again.root())).toBe(hex(roots[size] as Uint8Array))
      again.append(leaves[size] as Uint8Array)
      expect(hex(again.root())).toBe(hex(roots[size + 1] as Uint8Array))
      expect(hex(await tree.root(size))).toBe(hex(roots[size] as Uint8Array))
    }
    expect(hashesIn(Buffer.concat(tiles.get('1/0') ?? [])).length).toBe(4)
  })

  test('that are too short give an error and no wrong root', async () => {
    const tree = tiledTree(async () => Buffer.alloc(32))
    await expect(tree.root(2)).rejects.toThrow('a tile of the tree is too short')
    expect(hex(await tree.root(1))).toBe('00'.repeat(32))
  })
})
