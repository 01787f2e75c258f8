import type { Algorithm } from './key/algorithm.js'
import { freshPair, openPair } from './key/crypto-web.js'
import { keyOfPair, type SigningKey } from './key/key.js'

/**
 * Makes a key pair of the Web Cryptography API whose private part cannot be read out, for a page that keeps it (IndexedDB).
 * @throws DOMException `NotSupportedError` where the runtime does not know the algorithm
 * @see docs/protocol.md §3.6
 */
export function generateKeyPair(algorithm: Algorithm): Promise<CryptoKeyPair> {
  return freshPair(algorithm)
}

/**
 * A key pair of the Web Cryptography API as a {@link SigningKey}.
 * @throws HttpSigError `unsupported_algorithm` when the public key is not acceptable
 * @see docs/protocol.md §3.6
 */
export async function signingKeyOf(pair: CryptoKeyPair, algorithm: Algorithm): Promise<SigningKey> {
  return keyOfPair(await openPair(pair, algorithm))
}
