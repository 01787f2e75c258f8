import { base64urlEncode } from '#base64url'
import { checkOptionsOffPage } from '#check-options'
import { sha256 } from '#crypto'
import { offPage } from '#off-page'
import { unacceptableKey } from './algorithm.js'
import { isAcceptablePoint } from './ed25519-point.js'
import { integer, memberBytes } from './member-number.js'
import { modulusLength, rsaMembers } from './rsa-key.js'

/** A public RSA key as its canonical JWK members. */
export type RsaPublicJwk = { readonly kty: 'RSA'; readonly n: string; readonly e: string; readonly alg: 'PS512' }

/** A public key of an elliptic curve as its canonical JWK members. */
export type CurvePublicJwk =
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly alg: 'Ed25519' }
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string; readonly alg: 'ES256' }
  | { readonly kty: 'EC'; readonly crv: 'P-384'; readonly x: string; readonly y: string; readonly alg: 'ES384' }

/** A public key as its canonical JWK members, `alg` always among them. */
export type PublicJwk = CurvePublicJwk | RsaPublicJwk

/** A private RSA key: the public members, `d`, and the values of the Chinese remainder theorem (RFC 7518 §6.3.2). */
export type RsaPrivateJwk = RsaPublicJwk & Readonly<Record<'d' | 'p' | 'q' | 'dp' | 'dq' | 'qi', string>>

/** A private key: the public members and `d`, for RSA also `p`, `q`, `dp`, `dq`, `qi`. */
export type PrivateJwk = (CurvePublicJwk & { readonly d: string }) | RsaPrivateJwk

/** Members that only a private or symmetric key has. */
export const privateMembers: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

interface Curve {
  readonly crv: 'P-256' | 'P-384'
  readonly alg: 'ES256' | 'ES384'
  /** Bytes of a coordinate. */
  readonly length: number
  /** The prime of its field. */
  readonly prime: bigint
}

// FIPS 186-4 D.1.2.
const curves: readonly Curve[] = [
  { crv: 'P-256', alg: 'ES256', length: 32, prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n },
  { crv: 'P-384', alg: 'ES384', length: 48, prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n },
]

function bytesOf(value: unknown, length: number): Uint8Array | undefined {
  const bytes = memberBytes(value, length)
  return bytes?.length === length ? bytes : undefined
}

function checkUse(members: Readonly<Record<string, unknown>>): void {
  const use = members['use']
  if (use !== undefined && use !== 'sig')
    throw unacceptableKey(offPage && 'the key is not for signatures (use)', { member: 'use' })
  const operations = members['key_ops']
  if (operations === undefined) return
  if (!Array.isArray(operations) || !operations.includes('verify') || new Set(operations).size !== operations.length)
    throw unacceptableKey(offPage && 'the key is not for verifying (key_ops)', { member: 'key_ops' })
}

/** An Ed25519 key by its members. @throws HttpSigError `unsupported_algorithm` */
function ed25519(members: Readonly<Record<string, unknown>>): PublicJwk {
  const alg = members['alg']
  if (alg !== undefined && alg !== 'Ed25519' && alg !== 'EdDSA')
    throw unacceptableKey(offPage && 'alg disagrees with kty and crv', { member: 'alg' })
  const x = members['x']
  const point = bytesOf(x, 32)
  if (typeof x !== 'string' || point === undefined)
    throw unacceptableKey(offPage && 'x must be 32 bytes in canonical base64url', { member: 'x' })
  if (!isAcceptablePoint(point))
    throw unacceptableKey(offPage && 'x is a point of small order or not in canonical form', { member: 'x' })
  return { kty: 'OKP', crv: 'Ed25519', x, alg: 'Ed25519' }
}

function ecdsa(members: Readonly<Record<string, unknown>>, { crv, alg, length, prime }: Curve): PublicJwk {
  if (members['alg'] !== undefined && members['alg'] !== alg)
    throw unacceptableKey(offPage && 'alg disagrees with kty and crv', { member: 'alg' })
  const { x, y } = members
  const [xBytes, yBytes] = [bytesOf(x, length), bytesOf(y, length)]
  if (typeof x !== 'string' || typeof y !== 'string' || xBytes === undefined || yBytes === undefined)
    throw unacceptableKey(offPage && 'x and y must have the length of the curve, in canonical base64url', {
      member: 'x',
    })
  if (integer(xBytes) >= prime || integer(yBytes) >= prime)
    throw unacceptableKey(offPage && 'x and y must be below the prime of the curve', { member: 'x' })
  // The curve decides that crv and alg fit.
  return { kty: 'EC', crv, x, y, alg } as CurvePublicJwk
}

function rsa(members: Readonly<Record<string, unknown>>): PublicJwk {
  // An RSA key can be used with PKCS#1 v1.5 and PSS under any hash: only alg says for which it is meant.
  if (members['alg'] !== 'PS512') throw unacceptableKey(offPage && 'an RSA key must carry alg PS512', { member: 'alg' })
  return { kty: 'RSA', ...rsaMembers(members), alg: 'PS512' }
}

/**
 * Reads a public JWK strictly and returns its canonical members; unknown public members are ignored.
 * It does not check that a point is on its curve; {@link importVerifyKey} does.
 * @param options.algorithmOptional accepts an Ed25519 or EC key without `alg` (an inline `hwk` key may leave it out), never an RSA key; default false
 * @throws HttpSigError `unsupported_algorithm` for private members, wrong lengths, points of small order or in a second spelling, RSA moduli under 2048 or over 4096 bits, and disagreeing `kty`, `crv`, `alg`, `use`, `key_ops`
 * @see protocol §3.6, RFC 7517, RFC 7518 §6, RFC 8037
 */
export function parsePublicJwk(value: unknown, options?: { readonly algorithmOptional?: boolean }): PublicJwk {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unacceptableKey(offPage && 'a key must be a JSON object')
  if (options !== undefined) checkOptionsOffPage('parsePublicJwk', options, { algorithmOptional: 'boolean' })
  const members: Record<string, unknown> = Object.assign(Object.create(null), value)
  for (const name of privateMembers)
    if (name in members)
      throw unacceptableKey(offPage && 'a public key must not hold private members', { member: name })
  if (members['alg'] === undefined && options?.algorithmOptional !== true)
    throw unacceptableKey(offPage && 'a key must carry alg', { member: 'alg' })
  checkUse(members)
  const { kty, crv } = members
  if (kty === 'OKP' && crv === 'Ed25519') return ed25519(members)
  const curve = kty === 'EC' ? curves.find(known => known.crv === crv) : undefined
  if (curve !== undefined) return ecdsa(members, curve)
  if (kty === 'RSA' && crv === undefined) return rsa(members)
  throw unacceptableKey(offPage && 'kty and crv must name an Ed25519, P-256, P-384 or RSA key', { member: 'kty' })
}

/**
 * Length of the signatures a key makes, in bytes.
 * @see RFC 9421 §3.3, RFC 8032 §5.1.6, RFC 7518 §3.4
 */
export function signatureLength(jwk: PublicJwk): number {
  if (jwk.kty === 'RSA') return modulusLength(jwk.n)
  return jwk.alg === 'ES384' ? 96 : 64
}

/** The JSON that the thumbprint of a key is the hash of. @see RFC 7638 §3 */
export function thumbprintInput(jwk: PublicJwk): string {
  // Values come from parsePublicJwk: base64url and constants, nothing that JSON would escape.
  switch (jwk.kty) {
    case 'OKP':
      return `{"crv":"${jwk.crv}","kty":"OKP","x":"${jwk.x}"}`
    case 'EC':
      return `{"crv":"${jwk.crv}","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`
    case 'RSA':
      return `{"e":"${jwk.e}","kty":"RSA","n":"${jwk.n}"}`
  }
}

/**
 * The SHA-256 thumbprint of a key, base64url.
 * @see RFC 7638, RFC 8037 appendix A.3
 */
export async function thumbprint(jwk: PublicJwk): Promise<string> {
  return base64urlEncode(await sha256(thumbprintInput(jwk)))
}
