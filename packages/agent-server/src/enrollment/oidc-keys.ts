import { type DocumentAt, documentAt, type Fetcher } from '@countersign/discovery'
import { AAuthError, isObject } from '@countersign/protocol'
import { type CompactVerifyGetKey, compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import { refusedEnrollment } from './enrollment.js'
import type { OidcIssuer } from './oidc-rule.js'

const maxMetadataBytes = 64 * 1024
const maxJwksBytes = 256 * 1024
/** Seconds between two early fetches: for a `kid` that the keys lack, or one whose key did not verify. */
const earlyInterval = 30

/** The keys of one issuer. */
export interface OidcKeys {
  /**
   * Verifies a token's signature.
   * @throws AAuthError `invalid_grant` when it does not verify, `discovery_failed` when the keys cannot be had
   */
  verify(token: string, algorithms: readonly string[]): Promise<void>
}

interface Fetching {
  readonly fetcher: Fetcher
  readonly now: () => number
  /** Told at each fetch that brings garbage in place of a document that was good before. */
  readonly onGarbage: () => void
}

/** Where the keys come from, fetched when they are needed. @throws TypeError when `jwks` is no JWK set */
export function oidcKeys(issuer: Pick<OidcIssuer, 'issuer' | 'jwks' | 'jwksUri'>, o: Fetching): OidcKeys {
  if (issuer.jwks !== undefined) {
    const fixed = keySet(issuer.jwks)
    return { verify: (token, algorithms) => verifyWith(fixed, token, algorithms) }
  }
  const source = keysOf(issuer, o)
  return {
    async verify(token, algorithms) {
      const keys = await source()
      const known = await keys.get()
      try {
        await verifyWith(known, token, algorithms)
      } catch (error) {
        const cause = error instanceof AAuthError ? error.cause : undefined
        const isReplaced = cause instanceof errors.JWSSignatureVerificationFailed
        if (!isReplaced && !(cause instanceof errors.JWKSNoMatchingKey)) throw error
        // A new key, perhaps under an old kid. A flood of invented ones costs the issuer one fetch per interval, and others nothing.
        const renewed = await keys.renewed(earlyInterval).catch(away => Promise.reject(isReplaced ? error : away))
        if (renewed === known) throw error
        await verifyWith(renewed, token, algorithms)
      }
    },
  }
}

function keysOf(
  { issuer, jwksUri }: Pick<OidcIssuer, 'issuer' | 'jwksUri'>,
  o: Fetching,
): () => Promise<DocumentAt<CompactVerifyGetKey>> {
  const at = (url: string) => ({ url, keys: documentAt({ ...o, url, maxBytes: maxJwksBytes, read: readKeys }) })
  if (jwksUri !== undefined) {
    const { keys } = at(jwksUri)
    return async () => keys
  }
  const configuration = documentAt({
    ...o,
    url: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    maxBytes: maxMetadataBytes,
    read: json => jwksUriIn(json, issuer),
  })
  let current: ReturnType<typeof at> | undefined
  return async () => {
    const url = await configuration.get()
    if (current?.url !== url) current = at(url)
    return current.keys
  }
}

/** @see OpenID Connect Discovery 1.0 §4.3: a document that names another issuer speaks for that one */
function jwksUriIn(json: unknown, issuer: string): string {
  const { issuer: named, jwks_uri: uri } = isObject(json) ? json : {}
  if (named !== issuer)
    throw new AAuthError('discovery_failed', 'openid-configuration names another issuer', { cause: { issuer, named } })
  if (typeof uri !== 'string') throw new AAuthError('discovery_failed', 'openid-configuration has no jwks_uri')
  return uri
}

function readKeys(json: unknown): CompactVerifyGetKey {
  // An empty set is a broken deployment of the issuer, as one that is no JSON.
  if (isJwks(json) && json.keys.length === 0) throw new AAuthError('discovery_failed', 'the issuer publishes no key')
  try {
    return keySet(json)
  } catch (cause) {
    throw new AAuthError('discovery_failed', 'the keys of the issuer are no JWK set', { cause })
  }
}

function keySet(json: unknown): CompactVerifyGetKey {
  if (!isJwks(json)) throw new TypeError('jwks must be an object with an array keys')
  // A SPIFFE bundle says what each key is for in words of its own; those for certificates verify no token.
  const keys = json.keys
    .filter(({ use }) => use !== 'x509-svid')
    .map(key => (key.use === 'jwt-svid' ? { ...key, use: 'sig' } : key))
  return createLocalJWKSet({ keys })
}

async function verifyWith(keys: CompactVerifyGetKey, token: string, algorithms: readonly string[]): Promise<void> {
  try {
    await compactVerify(token, keys, { algorithms: [...algorithms] })
  } catch (cause) {
    throw refusedEnrollment('the signature of the token does not verify under a key of its issuer', cause)
  }
}

function isJwks(json: unknown): json is JSONWebKeySet {
  return isObject(json) && Array.isArray(json['keys']) && json['keys'].every(isObject)
}
