import { createRequire } from 'node:module'
import type { Sodium } from './crypto-node.js'

/** libsodium, where its package has a build for this machine. */
export const sodium: Sodium | undefined = opened()

function opened(): Sodium | undefined {
  try {
    return createRequire(import.meta.url)('sodium-native')
  } catch {
    return undefined
  }
}

/** Added to the titles of tests that need it. */
export const sodiumMissing: string = sodium === undefined ? ' (sodium-native has no build for this machine)' : ''
