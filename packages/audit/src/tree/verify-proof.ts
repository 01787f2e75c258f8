import { emptyRoot, nodeHash } from './hash.js'

/** A proof that a leaf stands in a tree. */
export interface InclusionProof {
  /** Place of the leaf, from 0. */
  readonly index: number
  /** Leaves of the tree. */
  readonly size: number
  /** The hash of the leaf: {@link leafHash}. */
  readonly leaf: Uint8Array
  /** The hashes beside the way to the root, from below. */
  readonly hashes: readonly Uint8Array[]
  /** The root of the tree. */
  readonly root: Uint8Array
}

/** A proof that a tree begins with a smaller one. */
export interface ConsistencyProof {
  /** Leaves of the smaller tree. */
  readonly from: number
  /** The root of the smaller tree. */
  readonly fromRoot: Uint8Array
  /** Leaves of the larger tree. */
  readonly to: number
  /** The root of the larger tree. */
  readonly toRoot: Uint8Array
  /** As RFC 9162 §2.1.4 lists them. */
  readonly hashes: readonly Uint8Array[]
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0

/**
 * Whether a leaf stands at its place in a tree. Never throws.
 * @see RFC 9162 §2.1.3.2
 * @example
 * ```ts
 * import { leafHash, verifyInclusion } from '@countersign/audit'
 *
 * const leaf = leafHash('the only entry')
 * console.log(verifyInclusion({ index: 0, size: 1, leaf, hashes: [], root: leaf })) // true
 * ```
 */
export function verifyInclusion(proof: InclusionProof): boolean {
  const { index, size, leaf, hashes, root } = proof
  if (!(isCount(index) && isCount(size)) || index >= size) return false
  let node = index
  let last = size - 1
  let hash = leaf
  for (const beside of hashes) {
    // More hashes than the tree is high.
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(beside, hash)
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)]
    } else {
      hash = nodeHash(hash, beside)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && same(hash, root)
}

/**
 * Whether a tree begins with the leaves of a smaller one. Never throws.
 * @see RFC 9162 §2.1.4.2
 */
export function verifyConsistency(proof: ConsistencyProof): boolean {
  const { from, fromRoot, to, toRoot, hashes } = proof
  if (!(isCount(from) && isCount(to)) || from > to) return false
  if (from === to) return hashes.length === 0 && same(fromRoot, toRoot)
  if (from === 0) return hashes.length === 0 && same(fromRoot, emptyRoot())
  let node = from - 1
  let last = to - 1
  while (node % 2 === 1) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)]
  // A tree whose size is a power of two is a subtree of the larger one, and its root the first hash.
  const [first, ...rest] = node === 0 ? [fromRoot, ...hashes] : hashes
  if (first === undefined) return false
  let [smaller, larger] = [first, first]
  for (const beside of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      smaller = nodeHash(beside, smaller)
      larger = nodeHash(beside, larger)
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)]
    } else {
      larger = nodeHash(larger, beside)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && same(smaller, fromRoot) && same(larger, toRoot)
}
