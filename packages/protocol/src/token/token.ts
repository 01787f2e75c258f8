import type { Algorithm, VerifyKey } from '@countersign/httpsig'
import { type AAuthError, type ErrorCode, refusal } from '../error.js'
import { checkOptionsOffPage, offPage } from '../internal/check-options.js'
import type { Reason } from '../reason/reason.js'
import { isIdentifier } from '../term/identifier.js'
import { jsonObject, jwsAlgorithm, jwsObject, jwsSegments, jwsSignature, type Refuse } from './jws.js'

/** The types of tokens: the values of `typ`. */
export type TokenType = 'agent+jwt' | 'resource+jwt' | 'auth+jwt'

/** The contents of a token whose `typ`, `alg`, `kid` and `iss` are checked. */
export interface ReadClaims {
  readonly typ: TokenType
  readonly alg: Algorithm
  readonly kid: string
  readonly iss: string
  readonly payload: Readonly<Record<string, unknown>>
  /** Whether loopback identifiers are accepted in it (development mode). */
  readonly development: boolean
}

/** A token whose format, `typ`, `alg`, `kid` and `iss` are checked. Its signature is not verified yet. */
export interface ParsedToken extends ReadClaims {
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
  /** The token as received. It is a secret: never log it. */
  readonly token: string
}

/** The longest `kid`, in characters. */
export const maxKidLength: number = 256

const codes: Readonly<Record<TokenType, ErrorCode>> = {
  'agent+jwt': 'invalid_agent_token',
  'resource+jwt': 'invalid_resource_token',
  'auth+jwt': 'invalid_auth_token',
}

/** The refusal of a token, under the code of its type. */
// unchecked options {}: a slip of cause leaves a fact out of the log
export function invalidToken(
  reason: Reason,
  { typ, cause }: { readonly typ: TokenType; readonly cause?: unknown },
  about?: string | false,
): AAuthError {
  return refusal(reason, { code: codes[typ], about, cause })
}

/** The options of {@link parseToken}. */
export interface ParseTokenOptions {
  /** Accepts loopback identifiers (development mode); default false. */
  readonly development?: boolean
  /** Makes the error for a `typ` that is not expected; by default it has the code of the first expected type. */
  readonly refuseType?: (typ: unknown) => AAuthError
}

/**
 * Reads a token and checks everything that needs no key and no clock: size, format, `typ`, `alg`, `kid`, `iss`.
 * @throws AAuthError with the code of the token's type when it is expected, else with that of the first expected type; or the error of
 * `refuseType`
 * @see protocol §5, RFC 7515 §5.2, RFC 8725 §3
 */
export function parseToken(
  token: string,
  expected: readonly TokenType[],
  options: ParseTokenOptions = {},
): ParsedToken {
  checkOptionsOffPage('parseToken', options, { development: 'boolean', refuseType: 'function' })
  const [first] = expected
  if (first === undefined) throw new TypeError('at least one token type must be expected')
  const development = options.development ?? false
  const refuseFirst = refuseAs(first)
  const { header, payload, signature, signingInput } = jwsSegments(token, 'the token', refuseFirst)
  const members = jwsObject(header, 'the token header', refuseFirst)
  const typ = expected.find(type => type === members['typ'])
  // A token of one type must not be used as one of another type.
  if (typ === undefined)
    throw (
      options.refuseType?.(members['typ']) ??
      refuseFirst('token_type_wrong', { about: expected.join(' or '), cause: { typ: expected } })
    )
  const refuse = refuseAs(typ)
  const alg = jwsAlgorithm(members, refuse)
  const kid = kidOf(members, refuse)
  const claims = jwsObject(payload, 'the token payload', refuse)
  const iss = issuerOf(claims, development, refuse)
  const bytes = jwsSignature(signature, alg, 'the token', refuse)
  return { typ, alg, kid, iss, payload: claims, signingInput, signature: bytes, token, development }
}

/**
 * Reads a token before it is signed, from the JSON of its claims. It refuses what {@link parseToken} would refuse, without encoding
 * and decoding.
 * @throws AAuthError with the code of the token's type
 */
export function draftToken(o: {
  readonly typ: TokenType
  readonly alg: Algorithm
  readonly kid: string
  readonly claims: string
}): ReadClaims {
  const { typ, alg } = o
  const refuse = refuseAs(typ)
  const kid = kidOf({ kid: o.kid }, refuse)
  const payload = jsonObject(o.claims, 'the token payload', refuse)
  return { typ, alg, kid, iss: issuerOf(payload, true, refuse), payload, development: true }
}

/**
 * Checks a token's signature.
 * @throws AAuthError with the code of the token's type.
 */
export async function verifyTokenSignature(parsed: ParsedToken, key: VerifyKey): Promise<void> {
  // The key decides the algorithm, and the token must name the same.
  if (key.algorithm !== parsed.alg) throw invalidToken('token_algorithm_mismatched', parsed)
  if (!(await key.verify(parsed.signingInput, parsed.signature))) throw invalidToken('token_signature_wrong', parsed)
}

function refuseAs(typ: TokenType): Refuse {
  return (reason, { about, cause } = {}) => invalidToken(reason, { typ, cause }, about)
}

function issuerOf(claims: Readonly<Record<string, unknown>>, development: boolean, refuse: Refuse): string {
  const iss = claims['iss']
  if (!isIdentifier(iss, { development }))
    throw refuse('token_claim_malformed', { about: offPage && 'iss must be an identifier' })
  return iss
}

function kidOf(header: Readonly<Record<string, unknown>>, refuse: Refuse): string {
  const kid = header['kid']
  // With a lone surrogate the JSON would be refused by the receiver before it reads the kid.
  if (typeof kid !== 'string' || kid === '' || kid.length > maxKidLength || /\p{Surrogate}/u.test(kid))
    throw refuse('token_malformed', { about: offPage && 'kid must be a string of 1 to 256 characters' })
  return kid
}
