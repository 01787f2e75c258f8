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

function opened(): Sodium | undefined {
  try {
    return createRequire(import.meta.url)('sodium-native')
  } catch (error) {
    if (required('sodium')) throw error
    return undefined
  }
}
