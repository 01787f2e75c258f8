import { checkOptions } from '#check-options'
import type { PublicJwk } from './jwk.js'
import { importVerifyKey } from './key.js'
import type { VerifyKey } from './verify-key.js'

/** Verify keys that were imported before. */
export interface VerifyKeyCache {
  /**
   * As {@link importVerifyKey}; the same key material gives the same object while it is remembered.
   * @throws HttpSigError `unsupported_algorithm`; a refusal is not remembered
   */
  import(jwk: PublicJwk): Promise<VerifyKey>
}

/** The key material; no two kinds of key have any of the same length. */
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
 * Remembers imported keys, for a verifier that meets the same inline keys again and again. What is remembered is the key, not what anyone said about it.
 * @param options.capacity keys held, the least recently used leaves first; default 4096
 * @see docs/protocol.md §3.6
 */
export function verifyKeyCache(options: { readonly capacity?: number } = {}): VerifyKeyCache {
  checkOptions('verifyKeyCache', options, { capacity: 'number' })
  const { capacity = 4096 } = options
  if (!(capacity >= 1)) throw new RangeError('capacity must be at least 1')
  const keys = new Map<string, VerifyKey>()

  async function remember(name: string, jwk: PublicJwk): Promise<VerifyKey> {
    const key = await importVerifyKey(jwk)
    // A flood of fresh keys displaces entries, it never adds to them.
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
