import type { Algorithm, VerifyKey } from '@countersign/httpsig'
import { AAuthError, type ErrorCode } from '../error.js'
import { checkOptionsOffPage } from '../internal/check-options.js'
import { isIdentifier } from '../term/identifier.js'
import { jsonObject, jwsAlgorithm, jwsObject, jwsSegments, jwsSignature, type Refuse } from './jws.js'

/** The three tokens, by their `typ`. */
export type TokenType = 'agent+jwt' | 'resource+jwt' | 'auth+jwt'

/** What a token says, its `typ`, `alg`, `kid` and `iss` in order. */
export interface ReadClaims {
  readonly typ: TokenType
  readonly alg: Algorithm
  readonly kid: string
  readonly iss: string
  readonly payload: Readonly<Record<string, unknown>>
  /** Whether identifiers in it may be those of development mode. */
  readonly development: boolean
}

/** A token whose shape, `typ`, `alg`, `kid` and `iss` are in order. Nothing in it is proven yet. */
export interface ParsedToken extends ReadClaims {
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
  /** The token as received. A secret as long as it lives: never log it. */
  readonly token: string
}

/** The longest `kid`, in characters. */
export const maxKidLength: number = 256

const codes: Readonly<Record<TokenType, ErrorCode>> = {
  'agent+jwt': 'invalid_agent_token',
  'resource+jwt': 'invalid_resource_token',
  'auth+jwt': 'invalid_auth_token',
}

/** The error for a token that is wrong, under the code of its type. */
export function invalidToken(typ: TokenType, description: string, cause?: unknown): AAuthError {
  return new AAuthError(codes[typ], description, cause === undefined ? {} : { cause })
}

/** How a token is read. */
export interface ParseTokenOptions {
  /** Whether identifiers in it may be those of development mode; default false. */
  readonly development?: boolean
  /** The error for a `typ` that is none of the expected ones; default has the code of the first of them. */
  readonly refuseType?: (typ: unknown) => AAuthError
}

/**
 * Reads a token as far as that goes without a key: size, shape, `typ`, `alg`, `kid`, `iss`.
 * @throws AAuthError with the code of the token's own type when that is one of `expected`, else of the first expected one, or what `refuseType` makes
 * @see protocol.md §5, RFC 7515 §5.2, RFC 8725 §3
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
  const refuseFirst = refusing(first)
  const { header, payload, signature, signingInput } = jwsSegments(token, 'the token', refuseFirst)
  const members = jwsObject(header, 'the token header', refuseFirst)
  const typ = expected.find(type => type === members['typ'])
  // An agent token is no auth token, whoever signed it.
  if (typ === undefined)
    throw (
      options.refuseType?.(members['typ']) ??
      refuseFirst('the token is not of the type expected here', { typ: expected })
    )
  const refuse = refusing(typ)
  const alg = jwsAlgorithm(members, refuse)
  const kid = kidOf(members, refuse)
  const claims = jwsObject(payload, 'the token payload', refuse)
  const iss = issuerOf(claims, development, refuse)
  const bytes = jwsSignature(signature, alg, 'the token', refuse)
  return { typ, alg, kid, iss, payload: claims, signingInput, signature: bytes, token, development }
}

/**
 * Reads a token that is about to be signed, from the JSON of its claims: what {@link parseToken} would refuse is refused,
 * without going through base64url and back.
 * @throws AAuthError with the code of the token's type
 */
export function draftToken(o: {
  readonly typ: TokenType
  readonly alg: Algorithm
  readonly kid: string
  readonly claims: string
}): ReadClaims {
  const { typ, alg } = o
  const refuse = refusing(typ)
  const kid = kidOf({ kid: o.kid }, refuse)
  const payload = jsonObject(o.claims, 'the token payload', refuse)
  return { typ, alg, kid, iss: issuerOf(payload, true, refuse), payload, development: true }
}

/**
 * Checks a token's signature.
 * @throws AAuthError with the code of the token's type.
 */
export async function verifyTokenSignature(parsed: ParsedToken, key: VerifyKey): Promise<void> {
  // The key decides the algorithm; the token may only agree with it.
  if (key.algorithm !== parsed.alg) throw invalidToken(parsed.typ, 'alg does not agree with the key named by kid')
  if (!(await key.verify(parsed.signingInput, parsed.signature)))
    throw invalidToken(parsed.typ, 'the token signature does not verify')
}

function refusing(typ: TokenType): Refuse {
  return (description, cause) => invalidToken(typ, description, cause)
}

function issuerOf(claims: Readonly<Record<string, unknown>>, development: boolean, refuse: Refuse): string {
  const iss = claims['iss']
  if (!isIdentifier(iss, { development })) throw refuse('iss must be an identifier')
  return iss
}

function kidOf(header: Readonly<Record<string, unknown>>, refuse: Refuse): string {
  const kid = header['kid']
  // Half a surrogate pair is no text: JSON that holds one is refused before anybody looks at the kid.
  if (typeof kid !== 'string' || kid === '' || kid.length > maxKidLength || /\p{Surrogate}/u.test(kid))
    throw refuse('kid must be a string of 1 to 256 characters')
  return kid
}
