import { createHash } from 'node:crypto'
import { base64urlDecode } from '@countersign/httpsig'
import { AAuthError, isObject, parseJson } from '@countersign/protocol'
import { refusedEnrollment } from './enrollment.js'

/** Claims of a token, read but not yet believed. */
export type Claims = Readonly<Record<string, unknown>>

/** Tokens of Kubernetes, CI and SPIFFE have 1 to 3 KiB; far more is no token. */
const longestToken = 16_384
/** Seconds: a token that lives longer is a password, and would have to be remembered as long. */
const longestLife = 86_400
/** Seconds by which the issuer's clock may be ahead. */
const tolerance = 60

/** A token taken apart; its signature is not yet verified. */
export interface OidcToken {
  readonly token: string
  readonly algorithm: string
  readonly issuer: string
  readonly claims: Claims
  /** Names what was signed: of one signature there may be several spellings, of this none. */
  readonly hash: string
}

/**
 * Takes a token apart, strictly: two readers of one text must not see two tokens.
 * @throws AAuthError `invalid_request` when it is no text, `invalid_grant` when it is no token that could count
 */
export function parseOidcToken(token: unknown): OidcToken {
  if (typeof token !== 'string' || token === '')
    throw new AAuthError('invalid_request', 'enrollment.token must be the OIDC token, a string')
  if (token.length > longestToken) throw refusedEnrollment('the token is longer than 16 KiB')
  const [header, payload, signature, ...more] = token.split('.')
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    throw refusedEnrollment('the token is not a compact JWS')
  const { alg, typ, ...rest } = objectIn(header, 'header')
  // An access or logout token of the same issuer says something else with the same claims.
  if (typ !== undefined && !(typeof typ === 'string' && /^jwt$|^jose$/i.test(typ)))
    throw refusedEnrollment('typ of the token is not JWT')
  if ('crit' in rest || 'b64' in rest) throw refusedEnrollment('the token has crit or b64 in its header')
  const claims = objectIn(payload, 'payload')
  const { iss } = claims
  if (typeof alg !== 'string' || typeof iss !== 'string') throw refusedEnrollment('the token lacks alg or iss')
  const hash = createHash('sha256').update(`${header}.${payload}`).digest('base64url')
  return { token, algorithm: alg, issuer: iss, claims, hash }
}

function objectIn(part: string, name: 'header' | 'payload'): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJson(base64urlDecode(part))
  } catch (cause) {
    throw refusedEnrollment(`the ${name} of the token is malformed`, cause)
  }
  if (!isObject(value)) throw refusedEnrollment(`the ${name} of the token is no object`)
  return { ...value }
}

/**
 * Checks audience and times; answers when the token ends, in Unix seconds.
 * @throws AAuthError `invalid_grant` that names the claim
 */
export function checkOidcClaims(
  claims: Claims,
  expected: { readonly audiences: readonly string[]; readonly now: number },
): number {
  const { aud, exp, iat, nbf } = claims
  const [only, ...others] = [aud].flat()
  // A token for two receivers could be shown by the one to the other.
  if (others.length > 0 || typeof only !== 'string' || !expected.audiences.includes(only))
    throw refusedEnrollment('aud of the token is not what its issuer is expected to write', { ...expected, aud })
  if (!isTime(exp) || !isTime(iat)) throw refusedEnrollment('the token lacks exp or iat')
  if (exp <= expected.now) throw refusedEnrollment('the token has expired')
  if (iat > expected.now + tolerance) throw refusedEnrollment('iat of the token is in the future')
  if (nbf !== undefined && !(isTime(nbf) && nbf <= expected.now + tolerance))
    throw refusedEnrollment('nbf of the token is in the future')
  if (exp - iat > longestLife) throw refusedEnrollment('the token lives longer than 24 hours')
  return exp
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
