import { signatureLength } from './jwk.js'
import type { SigningKey } from './key.js'

/** As in `sign-bytes.ts`, but without deadline: the key of a page is in the page, and always available. */
export async function signBytes(key: SigningKey, data: Uint8Array): Promise<Uint8Array> {
  const signature = await key.sign(data)
  if (signature.length !== signatureLength(key.publicJwk)) throw new TypeError('the key signs in another encoding')
  return signature
}
