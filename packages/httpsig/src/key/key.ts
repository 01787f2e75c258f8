import { base64urlDecode } from '#base64url'
import * as runtime from '#crypto'
import { type Algorithm, unsupportedAlgorithm } from './algorithm.js'
import type { FreshPair, ImportedPrivate, ImportedPublic } from './cryptography.js'
import {
  type PrivateJwk,
  type PublicJwk,
  parsePublicJwk,
  type RsaPrivateJwk,
  signatureLength,
  thumbprintInput,
} from './jwk.js'
import type { VerifyKey } from './verify-key.js'

/**
 * A key that signs; its private part stays inside. Three members, so that a KMS, an HSM or another process can be one:
 * take `publicJwk` through {@link parsePublicJwk}, set `algorithm` to its `alg`, and let `sign` hand the bytes over.
 * @see examples/remote-signer, docs/protocol.md §3.6
 */
export interface SigningKey {
  /** As `publicJwk.alg`. */
  readonly algorithm: Algorithm
  readonly publicJwk: PublicJwk
  /**
   * Signs bytes as they are; hashing them is part of the algorithm. The promise may take its time, at most 5 seconds; what it rejects with becomes the `cause` of a `SigningKeyError`.
   * @returns Ed25519: R‖S, 64 bytes (RFC 8032). ES256, ES384: r‖s, 64 or 96 bytes, not the DER that most KMS answer (RFC 7518 §3.4). PS512: RSASSA-PSS with SHA-512, MGF1 with SHA-512, a salt of 64 bytes, as long as the modulus
   */
  sign(data: Uint8Array): Promise<Uint8Array>
}

function publicPart(jwk: PrivateJwk | PublicJwk): PublicJwk {
  // Nothing else: a saved key may say key_ops ["sign"], and a public key for that alone verifies nothing.
  const { kty, crv, x, y, n, e, alg }: Readonly<Partial<Record<string, string>>> = jwk
  return parsePublicJwk({ kty, crv, x, y, n, e, alg })
}

function privateNumber(value: unknown): Uint8Array {
  if (typeof value !== 'string' || value === '' || value.length > 700)
    throw new TypeError('a private member is missing or too long')
  return base64urlDecode(value)
}

/** The canonical members of a private key. @throws TypeError */
function privateMembers(jwk: PrivateJwk, publicJwk: PublicJwk): PrivateJwk {
  const { d } = jwk
  if (publicJwk.kty !== 'RSA') {
    if (privateNumber(d).length !== signatureLength(publicJwk) / 2)
      throw new TypeError('d must have the length of the curve, in base64url')
    return { ...publicJwk, d }
  }
  const { p, q, dp, dq, qi } = jwk as RsaPrivateJwk
  for (const value of [d, p, q, dp, dq, qi]) privateNumber(value)
  return { ...publicJwk, d, p, q, dp, dq, qi }
}

function signingKey(publicJwk: PublicJwk, key: ImportedPrivate): SigningKey {
  return { algorithm: publicJwk.alg, publicJwk, sign: data => key.sign(data) }
}

/**
 * Makes a public key ready to verify.
 * @throws HttpSigError `unsupported_algorithm` for a point that is not on its curve, and for whatever {@link parsePublicJwk} refuses
 * @see docs/protocol.md §3.6
 */
export async function importVerifyKey(jwk: PublicJwk): Promise<VerifyKey> {
  const publicJwk = Object.freeze(parsePublicJwk(jwk))
  let key: ImportedPublic
  try {
    key = await runtime.importPublic(publicJwk)
  } catch (cause) {
    throw unsupportedAlgorithm('the key is not a point on its curve', cause)
  }
  const length = signatureLength(publicJwk)
  // DER, a truncated or a padded one never reaches the primitive.
  const verify: VerifyKey['verify'] = (data, signature) =>
    signature.length === length ? key.verify(data, signature) : Promise.resolve(false)
  // Keys are kept and handed out again: one that a caller could change would verify anything for the next.
  return Object.freeze(await runtime.withThumbprint({ algorithm: publicJwk.alg, publicJwk, verify }, thumbprintInput))
}

/**
 * Makes a fresh signing key whose private part cannot be read out.
 * @param algorithm default `Ed25519`
 * @see RFC 9421 §3.3, docs/protocol.md §3.6
 */
export async function generateSigningKey(algorithm: Algorithm = 'Ed25519'): Promise<SigningKey> {
  return keyOfPair(await runtime.generatePair(algorithm))
}

/** The signing key that a pair is. @throws HttpSigError `unsupported_algorithm` */
export function keyOfPair({ jwk, sign }: FreshPair): SigningKey {
  return signingKey(publicPart(jwk), { sign })
}

/**
 * Makes a fresh private key as JWK members, for state that must be saved.
 * @param algorithm default `Ed25519`
 * @see RFC 7517, RFC 7518 §6, RFC 8037 §2, docs/protocol.md §3.6
 */
export async function generatePrivateJwk(algorithm: Algorithm = 'Ed25519'): Promise<PrivateJwk> {
  const jwk = await runtime.generate(algorithm)
  return privateMembers(jwk, publicPart(jwk))
}

/**
 * Makes a saved private key ready to sign.
 * @throws TypeError when a private member is malformed or does not belong to the public members
 * @throws HttpSigError `unsupported_algorithm` when the public members are not acceptable
 * @see RFC 7517, RFC 7518 §6, RFC 8037 §2, docs/protocol.md §3.6
 */
export async function importSigningKey(jwk: PrivateJwk): Promise<SigningKey> {
  const publicJwk = publicPart(jwk)
  const members = privateMembers(jwk, publicJwk)
  let key: ImportedPrivate
  try {
    key = await runtime.importPrivate(members)
  } catch (cause) {
    throw new TypeError('the private key cannot be used', { cause })
  }
  // Signing under a public key that is not its own would leak nothing but prove nothing: found here, not at the first request.
  const verifier = await importVerifyKey(publicJwk)
  const probe = new TextEncoder().encode('countersign key pair probe')
  if (!(await verifier.verify(probe, await key.sign(probe))))
    throw new TypeError('the private and public members do not belong together')
  return signingKey(publicJwk, key)
}
