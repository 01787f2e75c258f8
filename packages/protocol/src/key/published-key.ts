import { type PublicJwk, parsePublicJwk, type SigningKey } from '@countersign/httpsig'
import { refusal } from '../error.js'
import { offPage } from '../internal/check-options.js'
import { isObject } from '../token/jws.js'
import { maxKidLength } from '../token/token.js'

/** A signing key and the `kid` under which it is published. */
export interface PublishedKey {
  readonly kid: string
  readonly key: SigningKey
}

/** The published part of a {@link PublishedKey}: the private part may be deleted, or in another process. */
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
 * Finds the key with a `kid` in a published JWK set. Entries that are broken or of an unknown kind are skipped. Whether a key is a
 * point of its curve is not checked.
 * @returns undefined when there is no usable key with that `kid`.
 * @throws AAuthError `discovery_failed` when the document is not a JWK set or is empty, or two keys have the `kid`.
 * @see protocol §10
 */
export function findKey(jwksDocument: unknown, kid: string): PublicJwk | undefined {
  return onlyKey(keysNamed(jwksDocument, kid))
}

/**
 * The keys with a `kid` in a published JWK set, broken and unknown entries left out.
 * @throws AAuthError `discovery_failed` when the document is not a JWK set or is empty
 */
export function keysNamed(jwksDocument: unknown, kid: string): PublicJwk[] {
  const keys = isObject(jwksDocument) ? jwksDocument['keys'] : undefined
  // A participant that publishes a key set has a key: an empty set is a fault of its deployment.
  if (!Array.isArray(keys) || keys.length === 0)
    throw refusal('jwks_malformed', { about: offPage && 'it must have keys' })
  return keys.filter(entry => isObject(entry) && entry['kid'] === kid).flatMap(usable)
}

/** The only key of a list, if there is one. @throws AAuthError `discovery_failed` when there are two */
export function onlyKey<K>(keys: readonly K[]): K | undefined {
  // Two readers could each take another key.
  if (keys.length > 1) throw refusal('jwks_malformed', { about: offPage && 'two keys have the kid asked for' })
  return keys[0]
}

function usable(entry: unknown): PublicJwk[] {
  try {
    return [parsePublicJwk(entry)]
  } catch {
    return [] // a broken key or one of an unknown type: the other keys are still used
  }
}
