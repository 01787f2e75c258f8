import { HttpSigError } from '../error.js'

/** A signature algorithm, by its fully-specified JOSE name. */
export type Algorithm = 'Ed25519' | 'ES256' | 'ES384' | 'PS512'

interface Facts {
  readonly name: Algorithm
  /** Its name in the registry of RFC 9421 §6.2. */
  readonly rfc9421: string
  /** Shortest and longest signature, in bytes. */
  readonly signature: readonly [number, number]
}

const table: readonly Facts[] = [
  { name: 'Ed25519', rfc9421: 'ed25519', signature: [64, 64] },
  { name: 'ES256', rfc9421: 'ecdsa-p256-sha256', signature: [64, 64] },
  { name: 'ES384', rfc9421: 'ecdsa-p384-sha384', signature: [96, 96] },
  { name: 'PS512', rfc9421: 'rsa-pss-sha512', signature: [256, 512] },
]

/**
 * Every algorithm this package signs and verifies with, by JOSE name, the preferred one first.
 * @see docs/protocol.md §3.6, RFC 9421 §3.3, RFC 9864
 */
export const algorithms: readonly Algorithm[] = table.map(({ name }) => name)

/** The algorithm that `name` means, in JOSE's or RFC 9421's spelling; undefined for any other name. */
export function algorithmNamed(name: string): Algorithm | undefined {
  return table.find(known => known.name === name || known.rfc9421 === name)?.name
}

/**
 * Whether some key of `algorithm` makes signatures of `length` bytes; which one a given key makes tells `signatureLength`.
 * @see RFC 9421 §3.3
 */
export function isSignatureLength(algorithm: Algorithm, length: number): boolean {
  const [least, most] = table.find(({ name }) => name === algorithm)?.signature ?? [1, 0]
  return length >= least && length <= most
}

/** The error for a key or algorithm that is not acceptable; it tells which algorithms are. */
export function unsupportedAlgorithm(description: string, cause?: unknown): HttpSigError {
  return new HttpSigError('unsupported_algorithm', description, {
    algs: algorithms,
    ...(cause === undefined ? {} : { cause }),
  })
}
