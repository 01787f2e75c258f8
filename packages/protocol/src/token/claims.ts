import { base64urlDecode, type PublicJwk, parsePublicJwk } from '@countersign/httpsig'
import { AAuthError } from '../error.js'
import { isIdentifier } from '../term/identifier.js'
import { parseScope } from '../term/scope.js'
import { isObject } from './jws.js'
import { invalidToken, type ReadClaims } from './token.js'

/** Seconds that an issuer's clock may be ahead of ours. */
const clockSkew = 60
const maxIdBytes = 512
// C0, DEL, C1, line separators and everything that turns the direction of text: an id is shown to users and written to logs.
const unsafeText = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/**
 * Tells a name that a token may carry for a user, a delegate or itself: 1 to 512 bytes, with nothing in it that could disguise it.
 * @see protocol.md §11
 */
export function isSafeId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > maxIdBytes || value.trim() === '') return false
  // No UTF-16 unit takes more than three bytes of UTF-8.
  const isShort = value.length * 3 <= maxIdBytes
  return !unsafeText.test(value) && (isShort || new TextEncoder().encode(value).length <= maxIdBytes)
}

export function requiredId(parsed: ReadClaims, claim: string): string {
  const value = parsed.payload[claim]
  if (!isSafeId(value)) throw invalidToken(parsed.typ, `${claim} must be a string of 1 to 512 bytes without controls`)
  return value
}

export function optionalId(parsed: ReadClaims, claim: string): string | undefined {
  return claim in parsed.payload ? requiredId(parsed, claim) : undefined
}

export function requiredIdentifier(parsed: ReadClaims, claim: string): string {
  const value = parsed.payload[claim]
  if (!isIdentifier(value, parsed)) throw invalidToken(parsed.typ, `${claim} must be an identifier`)
  return value
}

/**
 * Checks `exp`, `iat` and `nbf` against the clock, and the life of the token against its limit, all in seconds.
 * @see protocol.md §5
 */
export function checkTimes(
  parsed: ReadClaims,
  o: { readonly now: number; readonly maxLife: number; readonly expiredGrace?: number },
): { iat: number; exp: number } {
  const iat = requiredTime(parsed, 'iat')
  const exp = requiredTime(parsed, 'exp')
  const nbf = 'nbf' in parsed.payload ? requiredTime(parsed, 'nbf') : 0
  const cause = { now: o.now, iat, nbf, exp }
  // Written so that a `now` that is no number refuses.
  if (!(exp + (o.expiredGrace ?? 0) > o.now)) throw invalidToken(parsed.typ, 'the token has expired (exp)', cause)
  if (!(iat <= o.now + clockSkew)) throw invalidToken(parsed.typ, 'iat is in the future', cause)
  if (!(nbf <= o.now + clockSkew)) throw invalidToken(parsed.typ, 'nbf is in the future', cause)
  if (exp <= iat) throw invalidToken(parsed.typ, 'exp must be after iat', cause)
  // Revocation bites by exp: a token without end would never be revoked.
  if (exp - iat > o.maxLife) throw invalidToken(parsed.typ, 'the token lives longer than its type may', cause)
  return { iat, exp }
}

function requiredTime(parsed: ReadClaims, claim: string): number {
  const value = parsed.payload[claim]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw invalidToken(parsed.typ, `${claim} must be an integer in Unix seconds`)
  return value
}

/** Checks an `aud` that must be one string: a token for one receiver, not for a set of them. */
export function checkSingleAudience(parsed: ReadClaims, audience: string): string {
  const aud = parsed.payload['aud']
  if (aud !== audience) throw invalidToken(parsed.typ, 'aud must be exactly this receiver', { expected: audience })
  return audience
}

/** Reads `cnf`: one public key and no second way to confirm, which could name another. */
export function confirmationKey(parsed: ReadClaims): { jwk: PublicJwk } {
  const cnf = parsed.payload['cnf']
  if (!isObject(cnf) || Object.keys(cnf).length !== 1 || !('jwk' in cnf))
    throw invalidToken(parsed.typ, 'cnf must be an object with jwk and nothing else')
  try {
    return { jwk: parsePublicJwk(cnf['jwk']) }
  } catch (cause) {
    throw invalidToken(parsed.typ, 'cnf.jwk must be a public key of a supported algorithm, with alg', cause)
  }
}

/** Checks `scope` where it stands, and keeps it as written. */
export function optionalScope(parsed: ReadClaims): string | undefined {
  if (!('scope' in parsed.payload)) return undefined
  const scope = parsed.payload['scope']
  try {
    if (typeof scope === 'string' && parseScope(scope)) return scope
  } catch (cause) {
    throw invalidToken(parsed.typ, 'scope must be at most 64 scope names, each once', cause)
  }
  throw invalidToken(parsed.typ, 'scope must be a string')
}

export function optionalText(parsed: ReadClaims, claim: string): string | undefined {
  const value = parsed.payload[claim]
  if (value !== undefined && typeof value !== 'string') throw invalidToken(parsed.typ, `${claim} must be a string`)
  return value
}

export function optionalAgentDelegate(parsed: ReadClaims): { agent_delegate?: string } {
  const agent_delegate = optionalId(parsed, 'agent_delegate')
  return agent_delegate === undefined ? {} : { agent_delegate }
}

/**
 * Refuses what narrows a token in a way we do not implement: to ignore a condition would be to widen the mandate.
 * @see protocol.md §9
 */
export function refuseConditions(parsed: ReadClaims): void {
  for (const claim of ['delegation', 'constraints'])
    if (claim in parsed.payload) throw new AAuthError('policy_denied', 'the token carries conditions unknown here')
}

/** Tells whether a value is the base64url of a SHA-256 thumbprint. */
export function isThumbprint(value: unknown): value is string {
  if (typeof value !== 'string' || value.length !== 43) return false
  try {
    return base64urlDecode(value).length === 32
  } catch {
    return false
  }
}
