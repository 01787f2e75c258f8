import { importVerifyKey, type PublicJwk, type VerifyKey } from '@countersign/httpsig'
import { isTestKey, keysNamed, onlyKey } from '@countersign/protocol/internal'

/** The keys of one JWKS; each is imported once. */
export interface VerifyKeys {
  /**
   * The key with a `kid`; the same object each time.
   * @returns undefined when there is no usable key with this `kid`
   * @throws AAuthError `discovery_failed` when two keys have the `kid`
   */
  find(kid: string): Promise<VerifyKey | undefined>
  /** The keys imported so far, by `kid`. */
  readonly imported: ReadonlyMap<string, VerifyKey>
}

/** What keys are looked up with. */
export interface VerifyKeysOptions {
  /** Those of the previous JWKS. */
  readonly previous?: ReadonlyMap<string, VerifyKey> | undefined
  /** Admits keys that specifications print, which identify nobody. */
  readonly development: boolean
}

/** Only an import shows that an entry is no key: a set of a thousand such entries would cost its reader a thousand of them. */
const mostOfOneKid = 8

/**
 * Looks keys up in a JWKS. A key that was in the previous JWKS stays the same object, so that results cached for it outlive a
 * refetch.
 * @throws AAuthError `discovery_failed` when the document is no JWKS, or an empty one
 */
// bound: fixed
export function verifyKeys(jwks: unknown, { previous = new Map(), development }: VerifyKeysOptions): VerifyKeys {
  // Any kid will do: the call throws when the document is no key set.
  keysNamed(jwks, '')
  // bound: keys of one set of 256 KiB; bytes: 2 KiB a key, weighed by the cache; grown by a stranger; shared: as the
  // cache; filled by bounded-cache.test.ts "the cache keeps its bounds"
  const imported = new Map<string, VerifyKey>()
  // bound: keys of one set of 256 KiB; bytes: 2 KiB a key, weighed by the cache; grown by a stranger; shared: as the
  // cache; filled by bounded-cache.test.ts "the cache keeps its bounds"
  const importing = new Map<string, Promise<VerifyKey | undefined>>()

  async function importOnce(kid: string, jwk: PublicJwk): Promise<VerifyKey | undefined> {
    const before = previous.get(kid)
    // As JSON: both have canonical members only, in the same order.
    const isUnchanged = JSON.stringify(before?.publicJwk) === JSON.stringify(jwk)
    // An entry that cannot be imported (a point off its curve) is broken, and broken entries are skipped.
    const key = isUnchanged ? before : await importVerifyKey(jwk).catch(() => undefined)
    // Whoever reads RFC 9421 could sign as this participant.
    if (key === undefined || (!development && isTestKey(key.thumbprint))) return undefined // discovery.test-keys
    return key
  }

  /** Entries that are skipped do not count: a right key beside them is used. */
  async function importOnly(kid: string, found: readonly PublicJwk[]): Promise<VerifyKey | undefined> {
    const keys = await Promise.all(found.map(jwk => importOnce(kid, jwk)))
    const key = onlyKey(keys.filter(one => one !== undefined))
    if (key !== undefined) imported.set(kid, key)
    return key
  }

  return {
    imported,
    async find(kid) {
      const known = imported.get(kid) ?? importing.get(kid)
      if (known !== undefined) return known
      const found = keysNamed(jwks, kid)
      if (found.length === 0) return undefined
      if (found.length > mostOfOneKid) onlyKey(found)
      const key = importOnly(kid, found)
      importing.set(kid, key)
      return key
    },
  }
}
