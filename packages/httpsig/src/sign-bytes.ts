import { signatureLength } from './jwk.js'
import type { SigningKey } from './key.js'
import { SigningKeyError } from './signing-key-error.js'

/** Milliseconds that a key may take for one signature. */
const deadline = 5000

/**
 * Signs bytes with any `SigningKey`, within 5 seconds.
 * @throws SigningKeyError when the key fails or does not answer in time
 * @throws TypeError when the signature has another length than those of its algorithm, as that of a KMS that answers in DER
 */
export async function signBytes(key: SigningKey, data: Uint8Array): Promise<Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it did not answer in time')), deadline)
  })
  let signature: Uint8Array
  try {
    signature = await Promise.race([key.sign(data), late])
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    throw new SigningKeyError(`the signing key gave no signature${why}`, { cause })
  } finally {
    clearTimeout(timer)
  }
  if (signature.length !== signatureLength(key.publicJwk)) throw new TypeError('the key signs in another encoding')
  return signature
}
