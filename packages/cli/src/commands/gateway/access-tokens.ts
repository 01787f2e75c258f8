import type { Fetcher } from '@countersign/discovery'
import { type DocumentAt, documentAt } from '@countersign/discovery/internal'
import { isObject, refusal } from '@countersign/protocol/internal'
import type { BearerFacts, BearerVerifier } from '@countersign/resource'
import {
  createLocalJWKSet,
  decodeJwt,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'

/** An issuer of OAuth access tokens, as the settings name it. */
export interface OAuthIssuer {
  readonly issuer: string
  readonly audience: string
  readonly jwksUri?: string | undefined
  readonly jwks?: { readonly keys: ReadonlyArray<Readonly<Record<string, unknown>>> } | undefined
  readonly type: 'at+jwt' | 'any'
  readonly scopeClaim: string
}

/** What tokens are verified with. */
export interface AccessTokenParts {
  readonly fetcher: Fetcher
  /** Unix seconds. */
  readonly now: () => number
}

/** Asymmetric ones only: a public key must not serve as the secret of an HMAC. */
const algorithms = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512']

const maxJwksBytes = 256 * 1024

/** Seconds between two early fetches, for an unknown `kid` or a signature that does not verify. */
const earlyInterval = 30

interface Issuer extends OAuthIssuer {
  /** The keys as they are known, or fetched once more. */
  readonly keys: DocumentAt<JWTVerifyGetKey>
}

/**
 * Verifies access tokens that are JWTs (RFC 9068): signature, issuer, audience, times and type. A token that is bound to a key (`cnf`)
 * is none that works for everyone who has it, and is refused.
 * @throws TypeError for keys that are no JWK set
 */
export function accessTokens(issuers: readonly OAuthIssuer[], parts: AccessTokenParts): BearerVerifier {
  const known = new Map<unknown, Issuer>(issuers.map(one => [one.issuer, { ...one, keys: keysOf(one, parts) }]))
  return async token => {
    const issuer = known.get(issuerNamedIn(token))
    if (issuer === undefined) return undefined
    const payload = await payloadOf(token, issuer, parts.now())
    return payload === undefined ? undefined : factsOf(payload, issuer)
  }
}

/** The `iss` of a token that is not verified yet. */
function issuerNamedIn(token: string): unknown {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}

function keysOf({ jwks, jwksUri = '' }: OAuthIssuer, { fetcher, now }: AccessTokenParts): Issuer['keys'] {
  if (jwks === undefined) return documentAt({ url: jwksUri, maxBytes: maxJwksBytes, read: readKeys, fetcher, now })
  const fixed = keySet(jwks)
  return { get: async () => fixed, renewed: async () => fixed }
}

function readKeys(json: unknown): JWTVerifyGetKey {
  try {
    return keySet(json)
  } catch (cause) {
    throw refusal('jwks_malformed', { cause })
  }
}

function keySet(json: unknown): JWTVerifyGetKey {
  if (!isJwks(json) || json.keys.length === 0) throw new TypeError('jwks must be an object with an array of keys')
  return createLocalJWKSet(json)
}

function isJwks(json: unknown): json is JSONWebKeySet {
  return isObject(json) && Array.isArray(json['keys']) && json['keys'].every(isObject)
}

/** The payload of a token that holds; undefined for any other. @throws AAuthError when the keys cannot be fetched */
async function payloadOf(token: string, issuer: Issuer, now: number): Promise<JWTPayload | undefined> {
  const options = { ...expectedOf(issuer), currentDate: new Date(now * 1000) }
  const known = await issuer.keys.get()
  const first = await verified(token, known, options)
  if (!(first instanceof Error)) return first
  const isReplaced = first instanceof errors.JWSSignatureVerificationFailed
  if (!isReplaced && !(first instanceof errors.JWKSNoMatchingKey)) return undefined
  // A new key, perhaps under an old kid. Any number of invented kids costs the issuer one fetch per interval.
  const renewed = await issuer.keys.renewed(earlyInterval).catch((away: unknown) => {
    if (isReplaced) return known
    throw away
  })
  const second = renewed === known ? first : await verified(token, renewed, options)
  return second instanceof Error ? undefined : second
}

function expectedOf({ issuer, audience, type }: OAuthIssuer): JWTVerifyOptions {
  return { issuer, audience, algorithms, requiredClaims: ['exp'], ...(type === 'any' ? {} : { typ: type }) }
}

async function verified(
  token: string,
  keys: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload | errors.JOSEError> {
  try {
    return (await jwtVerify(token, keys, options)).payload
  } catch (error) {
    if (error instanceof errors.JOSEError) return error
    throw error
  }
}

function factsOf(payload: JWTPayload, { issuer, scopeClaim }: OAuthIssuer): BearerFacts | undefined {
  const { sub, exp, cnf } = payload
  const isNamed = sub === undefined || (typeof sub === 'string' && sub !== '')
  if (exp === undefined || cnf !== undefined || !isNamed) return undefined
  const scope = scopesIn(payload[scopeClaim])
  return { ...(sub === undefined ? {} : { user: { iss: issuer, sub } }), scope, expires: exp }
}

/** The scopes of a token: a text of names, or a list of them. */
function scopesIn(claim: unknown): string[] {
  const all: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return all.filter(name => typeof name === 'string' && name !== '').map(String)
}
