import { sha256, sha512 } from '@noble/hashes/sha2.js'
import type { Hash, HashName } from './hash.js'

// The portable half of `#hash`: WebCrypto can only digest whole bodies, and a streamed body must not be kept in memory.

const makers: Readonly<Record<HashName, () => Hash>> = {
  'sha-256': () => sha256.create(),
  'sha-512': () => sha512.create(),
}

export function hash(name: HashName): Hash {
  return makers[name]()
}
