import { type HttpSigError, refusal } from '../error.js'

/** A signature algorithm, by its fully-specified JOSE name. */
export type Algorithm = 'Ed25519' | 'ES256' | 'ES384' | 'PS512'

/** Shortest and longest signature, in bytes; the preferred algorithm first. */
const signatureLengths: Readonly<Record<string, readonly [number, number]>> = {
  Ed25519: [64, 64],
  ES256: [64, 64],
  ES384: [96, 96],
  PS512: [256, 512],
}

/**
 * Every algorithm this package signs and verifies with, by JOSE name, the preferred one first.
 * @see protocol §3.6, RFC 9421 §3.3, RFC 9864
 */
export const algorithms: readonly Algorithm[] = Object.keys(signatureLengths) as Algorithm[]

/** Names in the registry of RFC 9421 §6.2. */
const registeredNames: Readonly<Record<Algorithm, string>> = {
  Ed25519: 'ed25519',
  ES256: 'ecdsa-p256-sha256',
  ES384: 'ecdsa-p384-sha384',
  PS512: 'rsa-pss-sha512',
}

/** The algorithm that `name` means, in JOSE's or RFC 9421's spelling; undefined for any other name. */
export function algorithmNamed(name: string): Algorithm | undefined {
  return algorithms.find(known => known === name || registeredNames[known] === name)
}

/** The name of an algorithm in the registry of RFC 9421 §6.2. */
export function registeredName(algorithm: Algorithm): string {
  return registeredNames[algorithm]
}

/**
 * Whether a key of `algorithm` may make signatures of `length` bytes; `signatureLength` tells the length for one key.
 * @see RFC 9421 §3.3
 */
export function isSignatureLength(algorithm: Algorithm, length: number): boolean {
  const [least, most] = signatureLengths[algorithm] ?? [1, 0]
  return length >= least && length <= most
}

/** The error for a key that is not acceptable; it lists the algorithms of keys that are. */
export function unacceptableKey(about: string | false, cause?: unknown): HttpSigError {
  return refusal('key_unacceptable', { about, algs: algorithms, cause })
}

/** The error for a name of an algorithm that is none of {@link algorithms}; it lists them. */
export function unsupportedAlgorithm(): HttpSigError {
  return refusal('algorithm_unsupported', { algs: algorithms })
}
