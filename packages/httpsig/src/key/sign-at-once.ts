import { type PublicJwk, signatureLength } from './jwk.js'
import { SigningKeyError } from './signing-key-error.js'

/** What a signing key must have. */
interface Signer {
  readonly publicJwk: PublicJwk
  sign(data: Uint8Array): Promise<Uint8Array>
}

/** Signs on the calling thread. */
type SignNow = (data: Uint8Array) => Uint8Array

/** The keys that this package made, as they were made: one whose `sign` was replaced since signs by that alone. */
const ownKeys = new WeakMap<Signer, { readonly sign: Signer['sign']; readonly signNow: SignNow }>()

/** Makes a key one that {@link signAtOnce} signs with, and returns it. */
export function signsAtOnce<T extends Signer>(key: T, signNow: SignNow): T {
  ownKeys.set(key, { sign: key.sign, signNow })
  return key
}

/**
 * Signs without a promise and a deadline, which take longer than all the rest of signing a request but the signature itself.
 * Returns undefined for keys of others, and for those that sign on another thread.
 * @throws SigningKeyError when the key fails
 */
export function signAtOnce(key: Signer, data: Uint8Array): Uint8Array | undefined {
  const own = ownKeys.get(key)
  if (own === undefined || own.sign !== key.sign) return undefined
  try {
    const signature = own.signNow(data)
    return signature.length === signatureLength(key.publicJwk) ? signature : undefined
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    throw new SigningKeyError(`the signing key gave no signature${why}`, { cause })
  }
}
