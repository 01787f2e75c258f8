import { createHash } from 'node:crypto'
import { base64urlDecode } from '@countersign/httpsig/internal'
import { AAuthError } from '@countersign/protocol'
import { isObject, parseJson } from '@countersign/protocol/internal'
import { enrollmentRefusal } from './enrollment.js'

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
    throw new AAuthError('invalid_request', 'enrollment.token must be the OIDC token, a string', {
      reason: 'enrolment_malformed',
    })
  if (token.length > longestToken) throw enrollmentRefusal('oidc_token_malformed', 'the token is longer than 16 KiB')
  const [header, payload, signature, ...more] = token.split('.')
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    throw enrollmentRefusal('oidc_token_malformed', 'the token is not a compact JWS')
  const { alg, typ, ...rest } = readObject(header, 'header')
  // An access or logout token of the same issuer has the same claims, and another meaning.
  if (typ !== undefined && !(typeof typ === 'string' && /^jwt$|^jose$/i.test(typ)))
    throw enrollmentRefusal('oidc_token_malformed', 'typ of the token is not JWT')
  if ('crit' in rest || 'b64' in rest)
    throw enrollmentRefusal('oidc_token_malformed', 'the token has crit or b64 in its header')
  const claims = readObject(payload, 'payload')
  const { iss } = claims
  if (typeof alg !== 'string' || typeof iss !== 'string')
    throw enrollmentRefusal('oidc_token_malformed', 'the token lacks alg or iss')
  const hash = createHash('sha256').update(`${header}.${payload}`).digest('base64url')
  return { token, algorithm: alg, issuer: iss, claims, hash }
}

function readObject(part: string, name: 'header' | 'payload'): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJson(base64urlDecode(part))
  } catch (cause) {
    throw enrollmentRefusal('oidc_token_malformed', `the ${name} of the token is malformed`, cause)
  }
  if (!isObject(value)) throw enrollmentRefusal('oidc_token_malformed', `the ${name} of the token is not an object`)
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
    throw enrollmentRefusal('oidc_token_mismatched', 'aud of the token is not the audience that the rule asks for', {
      ...expected,
      aud,
    })
  if (!isTime(exp) || !isTime(iat)) throw enrollmentRefusal('oidc_token_malformed', 'the token lacks exp or iat')
  if (exp <= expected.now) throw enrollmentRefusal('oidc_token_expired', 'the token has expired')
  if (iat > expected.now + tolerance) throw enrollmentRefusal('oidc_token_expired', 'iat of the token is in the future')
  if (nbf !== undefined && !(isTime(nbf) && nbf <= expected.now + tolerance))
    throw enrollmentRefusal('oidc_token_expired', 'nbf of the token is in the future')
  if (exp - iat > longestLife) throw enrollmentRefusal('oidc_token_expired', 'the token lives longer than 24 hours')
  return exp
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
