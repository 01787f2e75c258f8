import { hash } from 'node:crypto'

/** Bytes of a SHA-256 hash. */
export const hashBytes = 32

/** SHA-256. As a text of bytes and back, because Node takes twice as long for a Buffer. */
function sha256(bytes: string | Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'latin1' as 'hex'), 'latin1')
}

/**
 * The hash of a leaf: SHA-256 of a zero byte and the entry, so that no inner node can pass for a leaf (second preimage).
 * @see RFC 9162 §2.1.1
 */
export function leafHash(entry: string | Uint8Array): Buffer {
  if (typeof entry === 'string') return sha256(`\0${entry}`)
  const bytes = Buffer.allocUnsafe(entry.length + 1)
  bytes[0] = 0
  bytes.set(entry, 1)
  return sha256(bytes)
}

/**
 * The hash of an inner node: SHA-256 of a one byte and its children.
 * @see RFC 9162 §2.1.1
 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 2 * hashBytes)
  bytes[0] = 1
  bytes.set(left, 1)
  bytes.set(right, 1 + hashBytes)
  return sha256(bytes)
}

/** The root of a tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Buffer {
  return sha256('')
}

/** The root of a perfect subtree, from the hashes of its lowest row, whose number is a power of two. */
export function perfectRoot(row: readonly Uint8Array[]): Uint8Array {
  let hashes = row
  while (hashes.length > 1)
    hashes = Array.from({ length: hashes.length / 2 }, (_, at) =>
      nodeHash(hashes[2 * at] as Uint8Array, hashes[2 * at + 1] as Uint8Array),
    )
  return hashes[0] as Uint8Array
}
