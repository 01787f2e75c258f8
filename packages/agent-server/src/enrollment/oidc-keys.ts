import type { Fetcher } from '@countersign/discovery'
import { type DocumentAt, documentAt } from '@countersign/discovery/internal'
import { AAuthError } from '@countersign/protocol'
import { isObject, refusal } from '@countersign/protocol/internal'
import { type CompactVerifyGetKey, compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import type { OidcIssuer } from './oidc-rule.js'

const maxMetadataBytes = 64 * 1024
const maxJwksBytes = 256 * 1024
/** Seconds between two early fetches, for an unknown `kid` or a signature that does not verify. */
const earlyInterval = 30

/** The keys of one issuer. */
export interface OidcKeys {
  /**
   * Verifies a token's signature.
   * @throws AAuthError `invalid_grant` when it does not verify, `discovery_failed` when the keys cannot be fetched
   */
  verify(token: string, algorithms: readonly string[]): Promise<void>
}

interface Fetching {
  readonly fetcher: Fetcher
  readonly now: () => number
  /** Called at each fetch of an invalid document in place of one that was valid before. */
  readonly onGarbage: () => void
}

/** Opens the keys of an issuer, which are fetched when needed. @throws TypeError when `jwks` is not a JWK set */
export function oidcKeys(issuer: Pick<OidcIssuer, 'issuer' | 'jwks' | 'jwksUri'>, o: Fetching): OidcKeys {
  if (issuer.jwks !== undefined) {
    const fixed = keySet(issuer.jwks)
    return { verify: (token, algorithms) => verifyWith(fixed, token, algorithms) }
  }
  const source = openKeySource(issuer, o)
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
        // A new key, perhaps under an old kid. Any number of invented kids costs the issuer one fetch per interval.
        const renewed = await keys.renewed(earlyInterval).catch(away => Promise.reject(isReplaced ? error : away))
        if (renewed === known) throw error
        await verifyWith(renewed, token, algorithms)
      }
    },
  }
}

function openKeySource(
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
    read: json => readJwksUri(json, issuer),
  })
  let current: ReturnType<typeof at> | undefined
  return async () => {
    const url = await configuration.get()
    if (current?.url !== url) current = at(url)
    return current.keys
  }
}

/** A document that names another issuer is not valid for this one. @see OpenID Connect Discovery 1.0 §4.3 */
function readJwksUri(json: unknown, issuer: string): string {
  const { issuer: named, jwks_uri: uri } = isObject(json) ? json : {}
  if (named !== issuer)
    throw refusal('document_of_another', { about: 'issuer of openid-configuration', cause: { issuer, named } })
  if (typeof uri !== 'string') throw refusal('document_malformed', { about: 'openid-configuration has no jwks_uri' })
  return uri
}

function readKeys(json: unknown): CompactVerifyGetKey {
  // An empty set is as broken as one that is not JSON: the last valid keys stay in use.
  if (isJwks(json) && json.keys.length === 0) throw refusal('jwks_malformed', { about: 'it must have keys' })
  try {
    return keySet(json)
  } catch (cause) {
    throw refusal('jwks_malformed', { cause })
  }
}

function keySet(json: unknown): CompactVerifyGetKey {
  if (!isJwks(json)) throw new TypeError('jwks must be an object with an array keys')
  // SPIFFE bundles have their own values of `use`; keys for certificates verify no token.
  const keys = json.keys
    .filter(({ use }) => use !== 'x509-svid')
    .map(key => (key.use === 'jwt-svid' ? { ...key, use: 'sig' } : key))
  return createLocalJWKSet({ keys })
}

async function verifyWith(keys: CompactVerifyGetKey, token: string, algorithms: readonly string[]): Promise<void> {
  try {
    await compactVerify(token, keys, { algorithms: [...algorithms] })
  } catch (cause) {
    throw refusal('oidc_signature_wrong', { cause })
  }
}

function isJwks(json: unknown): json is JSONWebKeySet {
  return isObject(json) && Array.isArray(json['keys']) && json['keys'].every(isObject)
}
