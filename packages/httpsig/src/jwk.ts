import { sha256 } from '#crypto'
import { unsupportedAlgorithm } from './algorithm.js'
import { base64urlDecode, base64urlEncode } from './base64url.js'
import { isAcceptablePoint } from './ed25519-point.js'

/** A public key as its canonical JWK members, `alg` always among them. */
export type PublicJwk =
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly alg: 'Ed25519' }
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string; readonly alg: 'ES256' }

/** A private key: the public members and `d`. */
export type PrivateJwk = PublicJwk & { readonly d: string }

/** Members that only a private or symmetric key has. */
export const privateMembers: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

// The prime of P-256, big endian.
const p256 = Uint8Array.from([
  0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
  0xff, 0xff, 0xff, 0xff, 0xff,
])

function bytes32(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string' || value.length !== 43) return undefined
  try {
    return base64urlDecode(value)
  } catch {
    return undefined
  }
}

function isBelowP256(bytes: Uint8Array): boolean {
  for (let i = 0; i < 32; i++) {
    const difference = (bytes[i] ?? 0) - (p256[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

function checkUse(members: Readonly<Record<string, unknown>>): void {
  const use = members['use']
  if (use !== undefined && use !== 'sig')
    throw unsupportedAlgorithm('the key is not for signatures (use)', { member: 'use' })
  const operations = members['key_ops']
  if (operations === undefined) return
  if (!Array.isArray(operations) || !operations.includes('verify') || new Set(operations).size !== operations.length)
    throw unsupportedAlgorithm('the key is not for verifying (key_ops)', { member: 'key_ops' })
}

/** An Ed25519 key by its members. @throws HttpSigError `unsupported_algorithm` */
export function ed25519(members: Readonly<Record<string, unknown>>): PublicJwk {
  const alg = members['alg']
  if (alg !== undefined && alg !== 'Ed25519' && alg !== 'EdDSA')
    throw unsupportedAlgorithm('alg disagrees with kty and crv', { member: 'alg' })
  const x = members['x']
  const point = bytes32(x)
  if (typeof x !== 'string' || point === undefined)
    throw unsupportedAlgorithm('x must be 32 bytes in canonical base64url', { member: 'x' })
  if (!isAcceptablePoint(point))
    throw unsupportedAlgorithm('x is a point of small order or not in canonical form', { member: 'x' })
  return { kty: 'OKP', crv: 'Ed25519', x, alg: 'Ed25519' }
}

function es256(members: Readonly<Record<string, unknown>>): PublicJwk {
  const alg = members['alg']
  if (alg !== undefined && alg !== 'ES256')
    throw unsupportedAlgorithm('alg disagrees with kty and crv', { member: 'alg' })
  const { x, y } = members
  const [xBytes, yBytes] = [bytes32(x), bytes32(y)]
  if (typeof x !== 'string' || typeof y !== 'string' || xBytes === undefined || yBytes === undefined)
    throw unsupportedAlgorithm('x and y must be 32 bytes each in canonical base64url', { member: 'x' })
  if (!isBelowP256(xBytes) || !isBelowP256(yBytes))
    throw unsupportedAlgorithm('x and y must be below the prime of the curve', { member: 'x' })
  return { kty: 'EC', crv: 'P-256', x, y, alg: 'ES256' }
}

/**
 * Reads a public JWK strictly and returns its canonical members; unknown public members are ignored.
 * Whether a P-256 point lies on the curve is seen by {@link importVerifyKey}.
 * @param options.algorithmOptional take a key without `alg` (an inline `hwk` key may leave it out); default false
 * @throws HttpSigError `unsupported_algorithm` for private members, wrong lengths, points of small order or in a second spelling, and disagreeing `kty`, `crv`, `alg`, `use`, `key_ops`
 * @see docs/protocol.md §3.6, RFC 7517, RFC 8037
 */
export function parsePublicJwk(value: unknown, options?: { readonly algorithmOptional?: boolean }): PublicJwk {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unsupportedAlgorithm('a key must be a JSON object')
  const members: Record<string, unknown> = Object.assign(Object.create(null), value)
  for (const name of privateMembers)
    if (name in members) throw unsupportedAlgorithm('a public key must not hold private members', { member: name })
  if (members['alg'] === undefined && options?.algorithmOptional !== true)
    throw unsupportedAlgorithm('a key must carry alg', { member: 'alg' })
  checkUse(members)
  if (members['kty'] === 'OKP' && members['crv'] === 'Ed25519') return ed25519(members)
  if (members['kty'] === 'EC' && members['crv'] === 'P-256') return es256(members)
  throw unsupportedAlgorithm('kty and crv must name an Ed25519 or a P-256 key', { member: 'kty' })
}

function thumbprintInput(jwk: PublicJwk): string {
  // Values come from parsePublicJwk: base64url and constants, nothing that JSON would escape.
  return jwk.kty === 'OKP'
    ? `{"crv":"Ed25519","kty":"OKP","x":"${jwk.x}"}`
    : `{"crv":"P-256","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`
}

/**
 * The SHA-256 thumbprint of a key, base64url.
 * @see RFC 7638, RFC 8037 appendix A.3
 */
export async function thumbprint(jwk: PublicJwk): Promise<string> {
  return base64urlEncode(await sha256(thumbprintInput(jwk)))
}
