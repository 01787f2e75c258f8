import { type PublicJwk, parsePublicJwk, type SigningKey } from '@countersign/httpsig'
import { AAuthError } from '../error.js'
import { isObject } from '../token/jws.js'
import { maxKidLength } from '../token/token.js'

/** A signing key together with the name it is published under. */
export interface PublishedKey {
  readonly kid: string
  readonly key: SigningKey
}

/** As much of a {@link PublishedKey} as is published: its private part may be gone, or in another process. */
export interface PublicKeyEntry {
  readonly kid: string
  readonly key: { readonly publicJwk: PublicJwk }
}

/**
 * The JWK set to publish.
 * @throws TypeError when two keys share a `kid`, or one is empty or over 256 characters.
 * @see RFC 7517 §5
 */
export function jwks(keys: readonly PublicKeyEntry[]): { keys: Array<PublicJwk & { kid: string; use: 'sig' }> } {
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) throw new TypeError('two keys share a kid')
  if (keys.some(({ kid }) => kid === '' || kid.length > maxKidLength))
    throw new TypeError('a kid must have 1 to 256 characters')
  return { keys: keys.map(({ kid, key }) => ({ ...key.publicJwk, kid, use: 'sig' })) }
}

/**
 * Finds the key with a `kid` in a published JWK set. Entries that are broken or of an unknown kind are skipped.
 * @returns undefined when there is no usable key with that `kid`.
 * @throws AAuthError `discovery_failed` when the document is no JWK set or an empty one, or two keys share the `kid`.
 * @see protocol.md §10
 */
export function findKey(jwksDocument: unknown, kid: string): PublicJwk | undefined {
  const keys = isObject(jwksDocument) ? jwksDocument['keys'] : undefined
  // A participant without a key has no use for a key set: an empty one is a broken deployment.
  if (!Array.isArray(keys) || keys.length === 0) throw new AAuthError('discovery_failed', 'the JWKS must have keys')
  const found = keys.filter(entry => isObject(entry) && entry['kid'] === kid).flatMap(usable)
  // Which of two keys verifies would depend on the reader.
  if (found.length > 1) throw new AAuthError('discovery_failed', 'the JWKS has two keys with the kid asked for')
  return found[0]
}

function usable(entry: unknown): PublicJwk[] {
  try {
    return [parsePublicJwk(entry)]
  } catch {
    return [] // a key of a kind we do not know, or broken: the rest of the set still counts
  }
}
