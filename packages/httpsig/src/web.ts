import type { Algorithm } from './key/algorithm.js'
import { freshPair, openPair } from './key/crypto-web.js'
import { keyOfPair, type SigningKey } from './key/key.js'

/**
 * Makes a key pair of the Web Cryptography API whose private part cannot be exported, for a page that keeps it (IndexedDB).
 * @throws DOMException `NotSupportedError` when the runtime does not support the algorithm
 * @see protocol §3.6
 */
export function generateKeyPair(algorithm: Algorithm): Promise<CryptoKeyPair> {
  return freshPair(algorithm)
}

/**
 * A key pair of the Web Cryptography API as a {@link SigningKey}.
 * @throws HttpSigError `unsupported_algorithm` when the public key is not acceptable
 * @see protocol §3.6
 */
export async function signingKeyOf(pair: CryptoKeyPair, algorithm: Algorithm): Promise<SigningKey> {
  return keyOfPair(await openPair(pair, algorithm))
}
