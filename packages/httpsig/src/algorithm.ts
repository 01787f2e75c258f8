import { HttpSigError } from './error.js'

/** A signature algorithm, by its fully-specified JOSE name. */
export type Algorithm = 'Ed25519' | 'ES256'

/** Every algorithm this package signs and verifies with, the preferred one first. */
export const algorithms: readonly Algorithm[] = ['Ed25519', 'ES256']

const spelled: ReadonlyMap<string, Algorithm> = new Map([
  ['ed25519', 'Ed25519'],
  ['Ed25519', 'Ed25519'],
  ['ecdsa-p256-sha256', 'ES256'],
  ['ES256', 'ES256'],
] as const)

/** The algorithm that `name` means, in JOSE's or RFC 9421's spelling; undefined for any other name. */
export function algorithmNamed(name: string): Algorithm | undefined {
  return spelled.get(name)
}

/** The error for a key or algorithm that is not acceptable; it tells which algorithms are. */
export function unsupportedAlgorithm(description: string, cause?: unknown): HttpSigError {
  return new HttpSigError('unsupported_algorithm', description, {
    algs: algorithms,
    ...(cause === undefined ? {} : { cause }),
  })
}
