import { signatureLength } from './jwk.js'
import type { SigningKey } from './key.js'
import { signAtOnce } from './sign-at-once.js'
import { SigningKeyError } from './signing-key-error.js'

/** Longest time for one signature, in milliseconds. */
const deadline = 5000

/**
 * Signs bytes with any `SigningKey`, within 5 seconds.
 * @throws SigningKeyError when the key fails or does not answer in time
 * @throws TypeError when the signature does not have the length of its algorithm, as with a KMS that returns DER
 */
export async function signBytes(key: SigningKey, data: Uint8Array): Promise<Uint8Array> {
  const signature = signAtOnce(key, data) ?? (await signInTime(key, data))
  if (signature.length !== signatureLength(key.publicJwk)) throw new TypeError('the key signs in another encoding')
  return signature
}

function signInTime(key: SigningKey, data: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isSettled = false
    const settle = (end: () => void): void => {
      isSettled = true
      clearTimeout(timer)
      end()
    }
    const fail = (cause: unknown): void =>
      settle(() => {
        const why = cause instanceof Error ? `: ${cause.message}` : ''
        reject(new SigningKeyError(`the signing key gave no signature${why}`, { cause }))
      })
    try {
      // A key written in JavaScript may return a signature without a promise.
      Promise.resolve(key.sign(data)).then(signature => settle(() => resolve(signature)), fail)
    } catch (cause) {
      fail(cause)
    }
    // A key on this thread has resolved by then: no timer is made for it.
    queueMicrotask(() => {
      if (!isSettled) timer = setTimeout(() => fail(new Error('it did not answer in time')), deadline)
    })
  })
}
