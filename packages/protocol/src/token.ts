import {
  type Algorithm,
  algorithms,
  base64urlDecode,
  base64urlDecodeText,
  isSignatureLength,
  type VerifyKey,
} from '@countersign/httpsig'
import { AAuthError, type ErrorCode } from './error.js'
import { isIdentifier } from './identifier.js'
import { parseJson } from './json.js'

/** The three tokens, by their `typ`. */
export type TokenType = 'agent+jwt' | 'resource+jwt' | 'auth+jwt'

/** A token whose shape, `typ`, `alg`, `kid` and `iss` are in order. Nothing in it is proven yet. */
export interface ParsedToken {
  readonly typ: TokenType
  readonly alg: Algorithm
  readonly kid: string
  readonly iss: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
  /** The token as received. A secret as long as it lives: never log it. */
  readonly token: string
  /** Whether identifiers in it may be those of development mode. */
  readonly development: boolean
}

/** The longest token, in bytes. @see protocol.md §11 */
export const maxTokenBytes: number = 6 * 1024
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

/**
 * Reads a token as far as that goes without a key: size, shape, `typ`, `alg`, `kid`, `iss`.
 * @throws AAuthError with the code of the token's own type when that is one of `expected`, else of the first expected one.
 * @see protocol.md §5, RFC 7515 §5.2, RFC 8725 §3
 */
export function parseToken(
  token: string,
  expected: readonly TokenType[],
  options: { readonly development?: boolean } = {},
): ParsedToken {
  const [first] = expected
  if (first === undefined) throw new TypeError('at least one token type must be expected')
  const development = options.development ?? false
  const { header, payload, signature } = segmentsOf(token, first)
  const members = objectOf(header, first, 'the token header must be a JSON object, each member once')
  const typ = expected.find(type => type === members['typ'])
  // An agent token is no auth token, whoever signed it.
  if (typ === undefined) throw invalidToken(first, 'the token is not of the type expected here', { typ: expected })
  const { alg, kid } = algorithmAndKid(members, typ)
  const claims = objectOf(payload, typ, 'the token payload must be a JSON object, each member once')
  const iss = claims['iss']
  if (!isIdentifier(iss, { development })) throw invalidToken(typ, 'iss must be an identifier')
  const signingInput = encoder.encode(token.slice(0, token.lastIndexOf('.')))
  return {
    typ,
    alg,
    kid,
    iss,
    payload: claims,
    signingInput,
    signature: bytesOf(signature, typ, alg),
    token,
    development,
  }
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

const encoder = new TextEncoder()

function segmentsOf(token: string, typ: TokenType): { header: string; payload: string; signature: string } {
  if (typeof token !== 'string') throw invalidToken(typ, 'the token must be a string')
  if (token.length > maxTokenBytes) throw invalidToken(typ, 'the token is over 6 KiB')
  const one = token.indexOf('.')
  const two = token.indexOf('.', one + 1)
  if (one === -1 || two === -1 || token.includes('.', two + 1))
    throw invalidToken(typ, 'the token must have three segments')
  return { header: token.slice(0, one), payload: token.slice(one + 1, two), signature: token.slice(two + 1) }
}

function objectOf(segment: string, typ: TokenType, description: string): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJson(base64urlDecodeText(segment))
  } catch (cause) {
    throw invalidToken(typ, description, cause)
  }
  if (!isObject(value)) throw invalidToken(typ, description)
  return value
}

/** Tells a JSON object from every other JSON value. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function algorithmAndKid(header: Record<string, unknown>, typ: TokenType): { alg: Algorithm; kid: string } {
  // A verifier that skips a critical extension reads another token than its issuer wrote.
  if ('crit' in header || 'b64' in header) throw invalidToken(typ, 'crit and b64 are not accepted')
  // An allow list: `none` and the HMAC family, keyed with a public key, never get as far as a key.
  const named = header['alg'] === 'EdDSA' ? 'Ed25519' : header['alg']
  const alg = algorithms.find(name => name === named)
  if (alg === undefined) throw invalidToken(typ, 'alg is none of the algorithms supported', { algs: algorithms })
  const kid = header['kid']
  if (typeof kid !== 'string' || kid === '' || kid.length > maxKidLength)
    throw invalidToken(typ, 'kid must be a string of 1 to 256 characters')
  return { alg, kid }
}

function bytesOf(segment: string, typ: TokenType, alg: Algorithm): Uint8Array {
  try {
    const bytes = base64urlDecode(segment)
    if (isSignatureLength(alg, bytes.length)) return bytes
  } catch {
    // answered below
  }
  throw invalidToken(typ, 'the token signature must have the length its alg gives, in base64url')
}
