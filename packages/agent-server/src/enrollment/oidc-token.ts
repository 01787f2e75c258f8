import { createHash } from 'node:crypto'
import { base64urlDecode } from '@countersign/httpsig/internal'
import { isObject, parseJson, refusal } from '@countersign/protocol/internal'

/** Claims of a token that is not verified yet. */
export type Claims = Readonly<Record<string, unknown>>

/** Tokens of Kubernetes, CI and SPIFFE have 1 to 3 KiB. */
const longestToken = 16_384
/** Seconds. A used token is remembered for as long as it lives. */
const longestLife = 86_400
/** Seconds by which the issuer's clock may be ahead. */
const tolerance = 60

/** A parsed token; its signature is not verified yet. */
export interface OidcToken {
  readonly token: string
  readonly algorithm: string
  readonly issuer: string
  readonly claims: Claims
  /** The hash of what was signed: the signature itself may be spelt in several ways. */
  readonly hash: string
}

/**
 * Parses a token, strictly: two parsers must not see two tokens in one text.
 * @throws AAuthError `invalid_request` when it is not a string, `invalid_grant` when it is not a valid token
 */
export function parseOidcToken(token: unknown): OidcToken {
  if (typeof token !== 'string' || token === '')
    throw refusal('enrolment_malformed', { about: 'enrollment.token must be the OIDC token, a string' })
  if (token.length > longestToken) throw refusal('oidc_token_malformed', { about: 'it is longer than 16 KiB' })
  const [header, payload, signature, ...more] = token.split('.')
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    throw refusal('oidc_token_malformed', { about: 'it must be a compact JWS' })
  const { alg, typ, ...rest } = readObject(header, 'header')
  // An access or logout token of the same issuer has the same claims, and another meaning.
  if (typ !== undefined && !(typeof typ === 'string' && /^jwt$|^jose$/i.test(typ)))
    throw refusal('oidc_token_malformed', { about: 'typ must be JWT' })
  if ('crit' in rest || 'b64' in rest) throw refusal('oidc_token_malformed', { about: 'crit and b64 are not accepted' })
  const claims = readObject(payload, 'payload')
  const { iss } = claims
  if (typeof alg !== 'string' || typeof iss !== 'string')
    throw refusal('oidc_token_malformed', { about: 'alg or iss is missing' })
  const hash = createHash('sha256').update(`${header}.${payload}`).digest('base64url')
  return { token, algorithm: alg, issuer: iss, claims, hash }
}

function readObject(part: string, name: 'header' | 'payload'): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJson(base64urlDecode(part))
  } catch (cause) {
    throw refusal('oidc_token_malformed', { about: `its ${name}`, cause })
  }
  if (!isObject(value)) throw refusal('oidc_token_malformed', { about: `its ${name} must be an object` })
  return { ...value }
}

/**
 * Checks audience and times; returns when the token expires, in Unix seconds.
 * @throws AAuthError `invalid_grant` that names the claim
 */
export function checkOidcClaims(
  claims: Claims,
  expected: { readonly audiences: readonly string[]; readonly now: number },
): number {
  const { aud, exp, iat, nbf } = claims
  const [only, ...others] = [aud].flat()
  // One receiver of a token for two could use it at the other.
  if (others.length > 0 || typeof only !== 'string' || !expected.audiences.includes(only))
    throw refusal('oidc_token_mismatched', { about: 'aud', cause: { ...expected, aud } })
  if (!isTime(exp) || !isTime(iat)) throw refusal('oidc_token_malformed', { about: 'exp or iat is missing' })
  if (exp <= expected.now) throw refusal('oidc_token_expired', { about: 'exp' })
  if (iat > expected.now + tolerance) throw refusal('oidc_token_expired', { about: 'iat' })
  if (nbf !== undefined && !(isTime(nbf) && nbf <= expected.now + tolerance))
    throw refusal('oidc_token_expired', { about: 'nbf' })
  if (exp - iat > longestLife) throw refusal('oidc_token_expired', { about: 'at most 24 hours' })
  return exp
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
