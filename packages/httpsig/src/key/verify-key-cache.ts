import { checkOptions } from '#check-options'
import type { PublicJwk } from './jwk.js'
import { importUnprovenKey } from './key.js'
import type { VerifyKey } from './verify-key.js'

/** A cache of imported verify keys. */
export interface VerifyKeyCache {
  /**
   * As `importVerifyKey`, for `verifySignature`, which looks whether an Ed25519 key is a point where a signature does not verify.
   * The same key material gives the same object while it is cached.
   * @throws HttpSigError `unsupported_algorithm`; a refusal is not cached
   */
  import(jwk: PublicJwk): Promise<VerifyKey>
}

/** The key material, unique for all keys: no two types of key have material of the same length. */
function nameOf(jwk: PublicJwk): string {
  switch (jwk.kty) {
    case 'OKP':
      return jwk.x
    case 'EC':
      return `${jwk.x}.${jwk.y}`
    case 'RSA':
      return `${jwk.n}.${jwk.e}`
  }
}

/**
 * Caches imported keys, for a verifier that receives the same inline keys again and again. It caches keys only, nothing about their holders.
 * @param options.capacity keys in the cache; the least recently used is dropped first; default 4096
 * @see protocol §3.6
 */
export function verifyKeyCache(options: { readonly capacity?: number } = {}): VerifyKeyCache {
  checkOptions('verifyKeyCache', options, { capacity: 'number' })
  const { capacity = 4096 } = options
  if (!(capacity >= 1)) throw new RangeError('capacity must be at least 1')
  // bound: 4096; bytes: 4096 × 4 KiB; grown by a stranger; shared: by use: the one unused for longest goes, and is
  // imported again; filled by key.test.ts "keeps within its capacity"
  const keys = new Map<string, VerifyKey>()

  async function remember(name: string, jwk: PublicJwk): Promise<VerifyKey> {
    const key = await importUnprovenKey(jwk)
    // A flood of new keys replaces entries, and never makes the cache grow.
    if (keys.size >= capacity)
      for (const oldest of keys.keys()) {
        keys.delete(oldest)
        break
      }
    keys.set(name, key)
    return key
  }

  return {
    async import(jwk) {
      const name = nameOf(jwk)
      const known = keys.get(name)
      if (known === undefined || known.algorithm !== jwk.alg) return remember(name, jwk)
      keys.delete(name)
      keys.set(name, known)
      return known
    },
  }
}
