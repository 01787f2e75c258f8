import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { thumbprintOf } from '../../signing/key.js'
import { isObject, isTexts, type JsonObject } from './json.js'
import { badKey, type Refusal } from './refusal.js'

/** JOSE names of the algorithms that peers take. */
export const algorithms = ['Ed25519', 'ES256', 'ES384', 'PS512'] as const

/** One of {@link algorithms}. */
export type Algorithm = (typeof algorithms)[number]

/** Names of RFC 9421 and of JOSE, by the JOSE name. */
const namesOf: Readonly<Record<Algorithm, readonly string[]>> = {
  Ed25519: ['Ed25519', 'ed25519'],
  ES256: ['ES256', 'ecdsa-p256-sha256'],
  ES384: ['ES384', 'ecdsa-p384-sha384'],
  PS512: ['PS512', 'rsa-pss-sha512'],
}

/** A public key that has been checked. */
export interface PublicKey {
  readonly alg: Algorithm
  readonly jwk: JsonObject
  /** By RFC 7638. */
  readonly thumbprint: string
  verifies(data: Uint8Array, signature: Uint8Array): boolean
}

/** Members that only a private or symmetric key has. */
export const privateMembers: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const curves: Readonly<Record<string, { readonly kty: string; readonly alg: Algorithm; readonly bytes: number }>> = {
  Ed25519: { kty: 'OKP', alg: 'Ed25519', bytes: 32 },
  'P-256': { kty: 'EC', alg: 'ES256', bytes: 32 },
  'P-384': { kty: 'EC', alg: 'ES384', bytes: 48 },
}

function refused(reason: string, text: string): Refusal {
  return badKey(reason, text).with({ members: { algs: algorithms } })
}

/**
 * Reads a public JWK. @see protocol §3.6
 * @param o.isInline whether it stands in `Signature-Key`, where a key of `kty` OKP or EC may have no `alg`
 * @throws Refusal
 */
export function readKey(jwk: unknown, o: { readonly isInline?: true } = {}): PublicKey {
  if (!isObject(jwk)) throw refused('key_unacceptable', 'the key is no object')
  const { kty, crv, use, key_ops: operations } = jwk
  if (privateMembers.some(name => name in jwk)) throw refused('key_unacceptable', 'the key has a private member')
  const alg = algorithmOf(jwk, o.isInline === true)
  if (use !== undefined && use !== 'sig') throw refused('key_unacceptable', '`use` of the key is not sig')
  if (operations !== undefined && !isVerifying(operations)) throw refused('key_unacceptable', '`key_ops` of the key')
  if (kty === 'RSA') checkRsa(jwk)
  else checkPoint(jwk, curves[String(crv)]?.bytes ?? 0)
  const key = openKey(jwk)
  const thumbprint = thumbprintOf(jwk)
  return { alg, jwk, thumbprint, verifies: (data, signature) => verifyBytes({ alg, key }, data, signature) }
}

/** Whether a name of an algorithm, of JOSE or of RFC 9421, is that of the key. */
export function agreesWith(key: PublicKey, name: string): boolean {
  return namesOf[key.alg].includes(name)
}

function algorithmOf({ kty, crv, alg }: JsonObject, mayLack: boolean): Algorithm {
  if (alg === undefined && (kty === 'RSA' || !mayLack)) throw refused('key_unacceptable', 'the key has no `alg`')
  if (kty === 'RSA') {
    if (alg !== 'PS512') throw refused('algorithm_unsupported', '`alg` of the key is not supported')
    return 'PS512'
  }
  const curve = curves[String(crv)]
  if (curve === undefined) throw refused('algorithm_unsupported', '`crv` of the key is not supported')
  if (curve.kty !== kty) throw refused('key_unacceptable', '`kty` and `crv` of the key disagree')
  if (alg !== undefined && alg !== curve.alg) throw refused('key_unacceptable', '`alg` and `crv` of the key disagree')
  return curve.alg
}

function isVerifying(operations: unknown): boolean {
  return isTexts(operations) && operations.includes('verify') && new Set(operations).size === operations.length
}

function checkRsa({ n, e }: JsonObject): void {
  const bits = bytesOf(n).length * 8
  if (bits < 2048 || bits > 4096) throw refused('key_unacceptable', 'the RSA key has not 2048 to 4096 bits')
  if (bytesOf(e).length > 8) throw refused('key_unacceptable', 'the exponent of the RSA key has over 8 bytes')
  const exponent = BigInt(`0x${bytesOf(e).toString('hex')}`)
  if (exponent < 65537n) throw refused('key_unacceptable', 'the exponent of the RSA key is under 65537')
  if (exponent % 2n === 0n) throw refused('key_unacceptable', 'the exponent of the RSA key is even')
}

function checkPoint({ kty, x, y }: JsonObject, bytes: number): void {
  if (bytesOf(x).length !== bytes) throw refused('key_unacceptable', '`x` of the key has a wrong length')
  if (kty === 'EC' && bytesOf(y).length !== bytes)
    throw refused('key_unacceptable', '`y` of the key has a wrong length')
  if (kty === 'OKP' && !isCanonicalPoint(bytesOf(x))) throw refused('key_unacceptable', '`x` has another encoding')
  if (kty === 'OKP' && isSmallOrder(bytesOf(x))) throw refused('key_unacceptable', 'the point has a small order')
}

/** A member in canonical base64url. */
function bytesOf(member: unknown): Buffer {
  if (typeof member !== 'string') throw refused('key_unacceptable', 'a member of the key is missing')
  const bytes = Buffer.from(member, 'base64url')
  if (bytes.toString('base64url') !== member || bytes.length === 0)
    throw refused('key_unacceptable', 'a member of the key is no base64url')
  return bytes
}

/** 2^255 − 19. */
const prime = 2n ** 255n - 19n

function coordinateOf(x: Buffer): bigint {
  return BigInt(`0x${Buffer.from(x).reverse().toString('hex')}`) & (2n ** 255n - 1n)
}

function isCanonicalPoint(x: Buffer): boolean {
  return coordinateOf(x) < prime
}

/** The y coordinates of the points whose order divides 8. */
function isSmallOrder(x: Buffer): boolean {
  const eighth = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
  return [0n, 1n, prime - 1n, eighth, prime - eighth].includes(coordinateOf(x))
}

function openKey(jwk: JsonObject): KeyObject {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    throw refused('key_unacceptable', 'the key is no valid point')
  }
}

const signatureBytes: Readonly<Record<Algorithm, number | undefined>> = {
  Ed25519: 64,
  ES256: 64,
  ES384: 96,
  PS512: undefined,
}

function verifyBytes(
  { alg, key }: { readonly alg: Algorithm; readonly key: KeyObject },
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const length = signatureBytes[alg]
  if (length !== undefined && signature.length !== length) return false
  if (alg === 'Ed25519') return verify(null, data, key, signature)
  if (alg === 'PS512') return verify('sha512', data, { key, padding: 6, saltLength: 64 }, signature)
  return verify(alg === 'ES256' ? 'sha256' : 'sha384', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
}
