import { createRequire } from 'node:module'
import { onOneLine, UsageError } from '@countersign/fetch/internal'
import { type Sodium, verifyOn, verifyWith } from '@countersign/httpsig/node'
import { z } from 'zod'

/** The option of every server that says which library verifies Ed25519. */
export const ed25519Options = {
  ed25519: z
    .enum(['sodium', 'node'])
    .optional()
    .describe(
      'library that verifies signatures of Ed25519: node (node:crypto, on all cores) or sodium (the package sodium-native, for half of the CPU, on one core: for a process with one core to itself); default node',
    ),
}

/** The value of {@link ed25519Options}. */
export interface Ed25519Settings {
  readonly ed25519?: 'sodium' | 'node' | undefined
}

/**
 * Has the chosen library verify Ed25519 in this process.
 * @param load returns the package `sodium-native`
 * @throws UsageError where libsodium is chosen and cannot be used
 */
export function chooseEd25519({ ed25519 = 'node' }: Ed25519Settings, load: () => Sodium = loadSodium): void {
  // The process does nothing else, so it may use the whole thread pool.
  verifyOn('pool')
  try {
    verifyWith(ed25519 === 'node' ? 'node' : load())
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND'
    throw new UsageError(`--ed25519 sodium: ${isMissing ? notInstalled : unusable(error)}`)
  }
}

const notInstalled = 'sodium-native is not installed here: npm install sodium-native'

function unusable(error: unknown): string {
  return `sodium-native cannot be used here: ${error instanceof Error ? onOneLine(error.message) : 'it does not load'}`
}

function loadSodium(): Sodium {
  return createRequire(import.meta.url)('sodium-native')
}
