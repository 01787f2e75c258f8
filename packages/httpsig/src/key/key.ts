import { base64urlDecode } from '#base64url'
import * as runtime from '#crypto'
import { offPage } from '#off-page'
import { type Algorithm, unacceptableKey } from './algorithm.js'
import type { FreshPair, ImportedPrivate, ImportedPublic } from './cryptography.js'
import { isOnCurve } from './ed25519-point.js'
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
 * A key that signs and hides its private part. It has three members, so that a KMS, an HSM or another process can implement it:
 * pass `publicJwk` through {@link parsePublicJwk}, set `algorithm` to its `alg`, and let `sign` send the bytes to the key.
 * @see examples/remote-signer, protocol §3.6
 */
export interface SigningKey {
  /** As `publicJwk.alg`. */
  readonly algorithm: Algorithm
  readonly publicJwk: PublicJwk
  /**
   * Signs bytes as they are: hashing is part of the algorithm. It must resolve within 5 seconds; its rejection becomes the `cause` of a `SigningKeyError`.
   * @returns Ed25519: R‖S, 64 bytes (RFC 8032). ES256, ES384: r‖s, 64 or 96 bytes, not the DER that most KMS return (RFC 7518 §3.4). PS512: RSASSA-PSS with SHA-512, MGF1 with SHA-512, a salt of 64 bytes, as long as the modulus
   */
  sign(data: Uint8Array): Promise<Uint8Array>
}

function publicPart(jwk: PrivateJwk | PublicJwk): PublicJwk {
  // Without key_ops: that of a saved key may be ["sign"], and such a public key could not verify.
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
 * @throws HttpSigError `unsupported_algorithm` for a point that is not on its curve, and for a key that {@link parsePublicJwk} refuses
 * @see protocol §3.6
 */
export async function importVerifyKey(jwk: PublicJwk): Promise<VerifyKey> {
  const key = await importUnprovenKey(jwk)
  checkPoint(key.publicJwk)
  return key
}

/**
 * Refuses an Ed25519 key that is no point of its curve, as half of all texts of 32 bytes are.
 * @throws HttpSigError `unsupported_algorithm`
 */
export function checkPoint(jwk: PublicJwk): void {
  if (jwk.kty === 'OKP' && !isOnCurve(base64urlDecode(jwk.x))) throw noPoint()
}

function noPoint(cause?: unknown): Error {
  return unacceptableKey(offPage && 'the key is not a point on its curve', cause)
}

/**
 * As {@link importVerifyKey}, for a key that is to verify a signature at once: no signature verifies under an Ed25519 key that is no
 * point, so {@link checkPoint} is for signatures that fail, and costs nothing where they verify.
 */
export async function importUnprovenKey(jwk: PublicJwk): Promise<VerifyKey> {
  const publicJwk = Object.freeze(parsePublicJwk(jwk))
  let key: ImportedPublic
  try {
    key = await runtime.importPublic(publicJwk)
  } catch (cause) {
    throw noPoint(cause)
  }
  const length = signatureLength(publicJwk)
  // A signature in DER, truncated or padded never reaches the primitive.
  const verify: VerifyKey['verify'] = (data, signature) =>
    signature.length === length ? key.verify(data, signature) : Promise.resolve(false)
  // Frozen, because caches return the same object to many callers: a changed `verify` would accept anything.
  return Object.freeze(await runtime.withThumbprint({ algorithm: publicJwk.alg, publicJwk, verify }, thumbprintInput))
}

/**
 * Makes a fresh signing key whose private part cannot be exported.
 * @param algorithm default `Ed25519`
 * @see RFC 9421 §3.3, protocol §3.6
 */
export async function generateSigningKey(algorithm: Algorithm = 'Ed25519'): Promise<SigningKey> {
  return keyOfPair(await runtime.generatePair(algorithm))
}

/** A pair as a signing key. @throws HttpSigError `unsupported_algorithm` */
export function keyOfPair(pair: FreshPair): SigningKey {
  return signingKey(publicPart(pair.jwk), pair)
}

/**
 * Makes a fresh private key as JWK members, to be saved.
 * @param algorithm default `Ed25519`
 * @see RFC 7517, RFC 7518 §6, RFC 8037 §2, protocol §3.6
 */
export async function generatePrivateJwk(algorithm: Algorithm = 'Ed25519'): Promise<PrivateJwk> {
  const jwk = await runtime.generate(algorithm)
  return privateMembers(jwk, publicPart(jwk))
}

/**
 * Makes a saved private key ready to sign.
 * @throws TypeError when a private member is malformed or does not belong to the public members
 * @throws HttpSigError `unsupported_algorithm` when the public members are not acceptable
 * @see RFC 7517, RFC 7518 §6, RFC 8037 §2, protocol §3.6
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
  // A public key that does not belong to the private one is found here and not at the first request.
  const verifier = await importVerifyKey(publicJwk)
  const probe = new TextEncoder().encode('countersign key pair probe')
  if (!(await verifier.verify(probe, await key.sign(probe))))
    throw new TypeError('the private and public members do not belong together')
  return signingKey(publicJwk, key)
}
