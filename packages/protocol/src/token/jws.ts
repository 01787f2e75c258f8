import { type Algorithm, algorithms } from '@countersign/httpsig'
import { asciiBytes, base64urlDecode, base64urlDecodeText, isSignatureLength } from '@countersign/httpsig/internal'
import type { AAuthError, Evidence } from '../error.js'
import { offPage } from '../internal/check-options.js'
import type { Reason } from '../reason/reason.js'
import { parseJson } from './json.js'

/** The longest JWS, in bytes. @see protocol §11 */
export const maxJwsBytes: number = 6 * 1024 // token.size

/** Makes the refusal of a JWS, with the code for its use. */
export type Refuse = (reason: Reason, evidence?: Pick<Evidence, 'about' | 'cause'>) => AAuthError

/** The three segments of a compact JWS, none of them decoded. */
export interface JwsSegments {
  readonly header: string
  readonly payload: string
  readonly signature: string
  readonly signingInput: Uint8Array
}

/** Splits a compact JWS into its segments, after a check of its size. @see RFC 7515 §7.1 */
export function jwsSegments(jws: string, what: string, refuse: Refuse): JwsSegments {
  if (typeof jws !== 'string') throw refuse('token_malformed', { about: offPage && `${what} must be a string` })
  if (jws.length > maxJwsBytes) throw refuse('token_too_large')
  const one = jws.indexOf('.')
  const two = jws.indexOf('.', one + 1)
  if (one === -1 || two === -1 || jws.includes('.', two + 1))
    throw refuse('token_malformed', { about: offPage && `${what} must have three segments` })
  return {
    header: jws.slice(0, one),
    payload: jws.slice(one + 1, two),
    signature: jws.slice(two + 1),
    // Other than ASCII is not base64url, and is refused before the signature is verified.
    signingInput: asciiBytes(jws.slice(0, two)),
  }
}

/** Decodes a segment that must be a JSON object, each member once. */
export function jwsObject(segment: string, what: string, refuse: Refuse): Record<string, unknown> {
  return readObject(() => base64urlDecodeText(segment), what, refuse)
}

/** Reads JSON that must be an object, each member once. */
export function jsonObject(json: string, what: string, refuse: Refuse): Record<string, unknown> {
  return readObject(() => json, what, refuse)
}

function readObject(json: () => string, what: string, refuse: Refuse): Record<string, unknown> {
  const about = offPage && `${what} must be a JSON object, each member once`
  let value: unknown
  try {
    value = parseJson(json())
  } catch (cause) {
    throw refuse('token_malformed', { about, cause })
  }
  if (!isObject(value)) throw refuse('token_malformed', { about })
  return value
}

/** Reads the `alg` of a header without extensions. @see RFC 8725 §3 */
export function jwsAlgorithm(header: Readonly<Record<string, unknown>>, refuse: Refuse): Algorithm {
  // A verifier that ignores a critical extension would read another token than the issuer wrote.
  if ('crit' in header || 'b64' in header)
    throw refuse('token_malformed', { about: offPage && 'crit and b64 are not accepted' })
  // An allow list: `none`, and HMAC with a public key as its secret, are refused before a key is used.
  const named = header['alg'] === 'EdDSA' ? 'Ed25519' : header['alg']
  const alg = algorithms.find(name => name === named)
  if (alg === undefined) throw refuse('algorithm_unsupported', { cause: { algs: algorithms } })
  return alg
}

/**
 * Decodes the signature, which must have the length of `alg`.
 * The parameters are positional: it runs for every token, which an object would slow down.
 */
export function jwsSignature(segment: string, alg: Algorithm, what: string, refuse: Refuse): Uint8Array {
  try {
    const bytes = base64urlDecode(segment)
    if (isSignatureLength(alg, bytes.length)) return bytes
  } catch {
    // refused below
  }
  throw refuse('token_malformed', {
    about: offPage && `${what} signature must have the length its alg gives, in base64url`,
  })
}

/** Tells a JSON object from every other JSON value. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
