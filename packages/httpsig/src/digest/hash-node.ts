import { createHash } from 'node:crypto'
import type { Hash, HashName } from './hash.js'

// The Node half of `#hash`.

const names: Readonly<Record<HashName, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' }

export function hash(name: HashName): Hash {
  const state = createHash(names[name])
  return { update: chunk => void state.update(chunk), digest: () => state.digest() }
}
