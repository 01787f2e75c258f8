import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { createRequire } from 'node:module'
import { required } from './services.js'

/** What tests call of it. */
interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
}

/** libsodium, where its package has a build for this machine. */
export const sodium: Sodium | undefined = opened()

/** Added to the titles of tests that need it. */
export const sodiumMissing: string = sodium === undefined ? ' (sodium-native has no build for this machine)' : ''

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** What libsodium does, by `node:crypto`. */
export const sodiumOfNode: Sodium = {
  crypto_sign_verify_detached(signature, message, publicKey) {
    const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: base64url(publicKey) } })
    return verify(null, message, key, signature)
  },
  crypto_sign_detached(signature, message, secretKey) {
    const [d, x] = [base64url(secretKey.subarray(0, 32)), base64url(secretKey.subarray(32))]
    signature.set(sign(null, message, createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x, d } })))
  },
}

function opened(): Sodium | undefined {
  try {
    return createRequire(import.meta.url)('sodium-native')
  } catch (error) {
    if (required('sodium')) throw error
    return undefined
  }
}
