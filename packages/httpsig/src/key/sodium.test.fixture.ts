import { createRequire } from 'node:module'
import { required } from '@countersign/testing/services'
import type { Sodium } from './sodium.js'

/** libsodium, where its package has a build for this machine. */
export const sodium: Sodium | undefined = opened()

function opened(): Sodium | undefined {
  try {
    return createRequire(import.meta.url)('sodium-native')
  } catch (error) {
    if (required('sodium')) throw error
    return undefined
  }
}

/** Added to the titles of tests that need it. */
export const sodiumMissing: string = sodium === undefined ? ' (sodium-native has no build for this machine)' : ''
