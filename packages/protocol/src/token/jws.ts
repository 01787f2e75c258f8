import {
  type Algorithm,
  algorithms,
  asciiBytes,
  base64urlDecode,
  base64urlDecodeText,
  isSignatureLength,
} from '@countersign/httpsig'
import type { AAuthError } from '../error.js'
import { parseJson } from './json.js'

/** The longest JWS, in bytes. @see protocol.md §11 */
export const maxJwsBytes: number = 6 * 1024

/** Makes the error for a JWS that is wrong, under the code of its use. */
export type Refuse = (description: string, cause?: unknown) => AAuthError

/** The three segments of a compact JWS, none of them decoded. */
export interface JwsSegments {
  readonly header: string
  readonly payload: string
  readonly signature: string
  readonly signingInput: Uint8Array
}

/** Cuts a compact JWS into its segments, size first. @see RFC 7515 §7.1 */
export function jwsSegments(jws: string, what: string, refuse: Refuse): JwsSegments {
  if (typeof jws !== 'string') throw refuse(`${what} must be a string`)
  if (jws.length > maxJwsBytes) throw refuse(`${what} is over 6 KiB`)
  const one = jws.indexOf('.')
  const two = jws.indexOf('.', one + 1)
  if (one === -1 || two === -1 || jws.includes('.', two + 1)) throw refuse(`${what} must have three segments`)
  return {
    header: jws.slice(0, one),
    payload: jws.slice(one + 1, two),
    signature: jws.slice(two + 1),
    // What is not ASCII is no base64url either, and refused before any signature is looked at.
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
  const description = `${what} must be a JSON object, each member once`
  let value: unknown
  try {
    value = parseJson(json())
  } catch (cause) {
    throw refuse(description, cause)
  }
  if (!isObject(value)) throw refuse(description)
  return value
}

/** The `alg` of a header that asks for nothing we do not do. @see RFC 8725 §3 */
export function jwsAlgorithm(header: Readonly<Record<string, unknown>>, refuse: Refuse): Algorithm {
  // A verifier that skips a critical extension reads another token than its issuer wrote.
  if ('crit' in header || 'b64' in header) throw refuse('crit and b64 are not accepted')
  // An allow list: `none` and the HMAC family, keyed with a public key, never get as far as a key.
  const named = header['alg'] === 'EdDSA' ? 'Ed25519' : header['alg']
  const alg = algorithms.find(name => name === named)
  if (alg === undefined) throw refuse('alg is none of the algorithms supported', { algs: algorithms })
  return alg
}

/** Decodes the signature, whose length `alg` gives. */
export function jwsSignature(segment: string, alg: Algorithm, what: string, refuse: Refuse): Uint8Array {
  try {
    const bytes = base64urlDecode(segment)
    if (isSignatureLength(alg, bytes.length)) return bytes
  } catch {
    // answered below
  }
  throw refuse(`${what} signature must have the length its alg gives, in base64url`)
}

/** Tells a JSON object from every other JSON value. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
