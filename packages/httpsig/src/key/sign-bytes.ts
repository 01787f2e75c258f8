import { type Deadline, inTime } from '../time/in-time.js'
import { signatureLength } from './jwk.js'
import type { SigningKey } from './key.js'
import { SigningKeyError } from './signing-key-error.js'

/** The longest time for one signature. */
const deadline: Deadline = { seconds: 5, late: () => new Error('it did not answer in time') }

/**
 * Signs bytes with any `SigningKey`, within 5 seconds.
 * @throws SigningKeyError when the key fails or does not answer in time
 * @throws TypeError when the signature does not have the length of its algorithm, as with a KMS that returns DER
 */
export async function signBytes(key: SigningKey, data: Uint8Array): Promise<Uint8Array> {
  const signature = await signInTime(key, data)
  if (signature.length !== signatureLength(key.publicJwk)) throw new TypeError('the key signs in another encoding')
  return signature
}

async function signInTime(key: SigningKey, data: Uint8Array): Promise<Uint8Array> {
  try {
    // A key of the caller may throw before it returns a promise.
    return await inTime(deadline, (async () => key.sign(data))())
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    throw new SigningKeyError(`the signing key gave no signature${why}`, { cause })
  }
}
