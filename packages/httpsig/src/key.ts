import * as runtime from '#crypto'
import { type Algorithm, unsupportedAlgorithm } from './algorithm.js'
import { base64urlDecode } from './base64url.js'
import type { ImportedPrivate, ImportedPublic, KeyMembers } from './cryptography.js'
import { type PrivateJwk, type PublicJwk, parsePublicJwk, thumbprint } from './jwk.js'

/** A key that signs; its private part stays inside. */
export interface SigningKey {
  readonly algorithm: Algorithm
  readonly publicJwk: PublicJwk
  /** Signs bytes; ES256 signatures are r‖s, 64 bytes. */
  sign(data: Uint8Array): Promise<Uint8Array>
}

/** A key that verifies. */
export interface VerifyKey {
  readonly algorithm: Algorithm
  readonly publicJwk: PublicJwk
  /** RFC 7638 SHA-256 thumbprint, base64url. */
  readonly thumbprint: string
  /** Whether `signature` is this key's over `data`; false, never an error, for one of the wrong length. */
  verify(data: Uint8Array, signature: Uint8Array): Promise<boolean>
}

function asPublicJwk(algorithm: Algorithm, members: KeyMembers): PublicJwk {
  return parsePublicJwk({
    kty: algorithm === 'Ed25519' ? 'OKP' : 'EC',
    crv: algorithm === 'Ed25519' ? 'Ed25519' : 'P-256',
    alg: algorithm,
    x: members.x,
    ...(members.y === undefined ? {} : { y: members.y }),
  })
}

function publicPart(jwk: PrivateJwk): PublicJwk {
  const { kty, crv, x, alg } = jwk
  return parsePublicJwk(jwk.kty === 'EC' ? { kty, crv, x, y: jwk.y, alg } : { kty, crv, x, alg })
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
  const publicJwk = parsePublicJwk(jwk)
  let key: ImportedPublic
  try {
    key = await runtime.importPublic(publicJwk)
  } catch (cause) {
    throw unsupportedAlgorithm('the key is not a point on its curve', cause)
  }
  return {
    algorithm: publicJwk.alg,
    publicJwk,
    thumbprint: await thumbprint(publicJwk),
    // Both algorithms have 64-byte signatures; DER or a truncated one never reaches the primitive.
    verify: (data, signature) => (signature.length === 64 ? key.verify(data, signature) : Promise.resolve(false)),
  }
}

/**
 * Makes a fresh signing key whose private part cannot be read out.
 * @param algorithm default `Ed25519`
 */
export async function generateSigningKey(algorithm: Algorithm = 'Ed25519'): Promise<SigningKey> {
  const jwk = await generatePrivateJwk(algorithm)
  const publicJwk = publicPart(jwk)
  return signingKey(publicJwk, await runtime.importPrivate(jwk))
}

/**
 * Makes a fresh private key as JWK members, for state that must be saved.
 * @param algorithm default `Ed25519`
 */
export async function generatePrivateJwk(algorithm: Algorithm = 'Ed25519'): Promise<PrivateJwk> {
  const { d, ...members } = await runtime.generateMembers(algorithm)
  return { ...asPublicJwk(algorithm, members), d }
}

const probe = new TextEncoder().encode('countersign key pair probe')

/**
 * Makes a saved private key ready to sign.
 * @throws TypeError when `d` is malformed or does not belong to the public members
 * @throws HttpSigError `unsupported_algorithm` when the public members are not acceptable
 */
export async function importSigningKey(jwk: PrivateJwk): Promise<SigningKey> {
  const { d } = jwk
  const publicJwk = publicPart(jwk)
  if (typeof d !== 'string' || base64urlDecode(d).length !== 32) throw new TypeError('d must be 32 bytes in base64url')
  let key: ImportedPrivate
  try {
    key = await runtime.importPrivate({ ...publicJwk, d })
  } catch (cause) {
    throw new TypeError('the private key cannot be used', { cause })
  }
  // Signing under a public key that is not its own would leak nothing but prove nothing: found here, not at the first request.
  const verifier = await importVerifyKey(publicJwk)
  if (!(await verifier.verify(probe, await key.sign(probe))))
    throw new TypeError('the private and public members do not belong together')
  return signingKey(publicJwk, key)
}
