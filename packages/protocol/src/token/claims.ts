import { type PublicJwk, parsePublicJwk } from '@countersign/httpsig'
import { base64urlDecode } from '@countersign/httpsig/internal'
import { refusal } from '../error.js'
import { offPage } from '../internal/check-options.js'
import { isIdentifier } from '../term/identifier.js'
import { parseScope } from '../term/scope.js'
import { isObject } from './jws.js'
import { invalidToken, type ReadClaims } from './token.js'

/** Seconds that an issuer's clock may be ahead. */
const clockSkew = 60 // token.times
const maxIdBytes = 512 // limits.ids
// Controls, line separators and characters that change the direction of text: ids are shown to users and written to logs.
const unsafeText = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/**
 * Tells whether a value may be the id of a user, a delegate or a token: 1 to 512 bytes, without characters that could disguise it.
 * @see protocol §11
 */
export function isSafeId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > maxIdBytes || value.trim() === '') return false // limits.ids
  // No UTF-16 unit takes more than three bytes of UTF-8.
  const isShort = value.length * 3 <= maxIdBytes
  return !unsafeText.test(value) && (isShort || new TextEncoder().encode(value).length <= maxIdBytes) // limits.ids
}

export function requiredId(parsed: ReadClaims, claim: string): string {
  const value = parsed.payload[claim]
  if (!isSafeId(value))
    throw invalidToken(
      'token_claim_malformed',
      parsed,
      offPage && `${claim} must be a string of 1 to 512 bytes without controls`,
    )
  return value
}

export function optionalId(parsed: ReadClaims, claim: string): string | undefined {
  return claim in parsed.payload ? requiredId(parsed, claim) : undefined
}

export function requiredIdentifier(parsed: ReadClaims, claim: string): string {
  const value = parsed.payload[claim]
  if (!isIdentifier(value, parsed))
    throw invalidToken('token_claim_malformed', parsed, offPage && `${claim} must be an identifier`)
  return value
}

/**
 * Checks `exp`, `iat` and `nbf` against the clock, and the life of the token against its limit, all in seconds.
 * @see protocol §5
 */
export function checkTimes(
  parsed: ReadClaims,
  o: { readonly now: number; readonly maxLife: number; readonly expiredGrace?: number },
): { iat: number; exp: number } {
  const iat = requiredTime(parsed, 'iat')
  const exp = requiredTime(parsed, 'exp')
  const nbf = 'nbf' in parsed.payload ? requiredTime(parsed, 'nbf') : 0
  const cause = { now: o.now, iat, nbf, exp }
  // Written so that a `now` of NaN refuses.
  if (!(exp + (o.expiredGrace ?? 0) > o.now)) throw invalidToken('token_expired', { typ: parsed.typ, cause })
  if (!(iat <= o.now + clockSkew)) throw invalidToken('token_issued_in_future', { typ: parsed.typ, cause })
  if (!(nbf <= o.now + clockSkew)) throw invalidToken('token_not_yet_valid', { typ: parsed.typ, cause })
  if (exp <= iat)
    throw invalidToken('token_claim_malformed', { typ: parsed.typ, cause }, offPage && 'exp must be after iat')
  // A revoked grant ends with the `exp` of its tokens: a token that lives too long would outlive the revocation.
  if (exp - iat > o.maxLife)
    throw invalidToken('token_lives_too_long', {
      typ: parsed.typ,
      cause,
    })
  return { iat, exp }
}

function requiredTime(parsed: ReadClaims, claim: string): number {
  const value = parsed.payload[claim]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw invalidToken('token_claim_malformed', parsed, offPage && `${claim} must be an integer in Unix seconds`)
  return value
}

/** Checks an `aud` that must be a string: the token is for one receiver only. */
export function checkSingleAudience(parsed: ReadClaims, audience: string): string {
  const aud = parsed.payload['aud']
  if (aud !== audience)
    throw invalidToken('token_audience_wrong', {
      typ: parsed.typ,
      cause: { expected: audience },
    })
  return audience
}

/** Reads `cnf`: it must have one public key, and no second member that could name another key. */
export function confirmationKey(parsed: ReadClaims): { jwk: PublicJwk } {
  const cnf = parsed.payload['cnf']
  if (!isObject(cnf) || Object.keys(cnf).length !== 1 || !('jwk' in cnf))
    throw invalidToken('token_claim_malformed', parsed, offPage && 'cnf must be an object with jwk and nothing else')
  try {
    return { jwk: parsePublicJwk(cnf['jwk']) }
  } catch (cause) {
    throw invalidToken(
      'token_claim_malformed',
      {
        typ: parsed.typ,
        cause,
      },
      offPage && 'cnf.jwk must be a public key of a supported algorithm, with alg',
    )
  }
}

/** Checks `scope` if it is present, and returns it as written. */
export function optionalScope(parsed: ReadClaims): string | undefined {
  if (!('scope' in parsed.payload)) return undefined
  const scope = parsed.payload['scope']
  try {
    if (typeof scope === 'string' && parseScope(scope)) return scope
  } catch (cause) {
    throw invalidToken(
      'token_claim_malformed',
      {
        typ: parsed.typ,
        cause,
      },
      offPage && 'scope must be at most 64 scope names, each once',
    )
  }
  throw invalidToken('token_claim_malformed', parsed, offPage && 'scope must be a string')
}

/** Tells whether a value is the name of a grant: `grant` of an auth token, or of a notice that revokes it. @see protocol §6.6 */
export function isGrantName(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value)
}

/** Checks a claim if it is present. */
export function optionalClaim(parsed: ReadClaims, claim: string, isRight: (value: unknown) => boolean): void {
  if (claim in parsed.payload && !isRight(parsed.payload[claim]))
    throw invalidToken('token_claim_malformed', parsed, offPage && `${claim}`)
}

export function optionalAgentDelegate(parsed: ReadClaims): { agent_delegate?: string } {
  const agent_delegate = optionalId(parsed, 'agent_delegate')
  return agent_delegate === undefined ? {} : { agent_delegate }
}

/**
 * Refuses a token with conditions that its type does not have: nobody would judge them, and the token would allow more than its issuer meant.
 * @param own the claim with the conditions of this type
 * @see protocol §5
 */
export function refuseConditions(parsed: ReadClaims, own?: 'delegation' | 'constraints'): void {
  for (const claim of ['delegation', 'constraints'])
    if (claim !== own && claim in parsed.payload) throw refusal('token_conditions_unknown')
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
