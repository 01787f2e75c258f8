import { getFips } from 'node:crypto'
import { createRequire } from 'node:module'
import { onOneLine, UsageError } from '@countersign/fetch/internal'
import { type Sodium, verifyWith } from '@countersign/httpsig/node'
import { errorFields } from '@countersign/protocol/internal'
import type { Logger } from '@countersign/server'
import { z } from 'zod'

/** The option of every server that says which library verifies Ed25519. */
export const ed25519Options = {
  ed25519: z
    .enum(['sodium', 'node'])
    .optional()
    .describe(
      'library that verifies signatures of Ed25519: sodium (the package sodium-native, half of the CPU) or node (node:crypto); default sodium where it is installed',
    ),
}

/** The value of {@link ed25519Options}. */
export interface Ed25519Settings {
  readonly ed25519?: 'sodium' | 'node' | undefined
}

/** What the choice depends on beside the setting. */
interface Machine {
  /** Returns the package `sodium-native`. */
  readonly load: () => Sodium
  /** Whether OpenSSL runs in FIPS mode, which libsodium is no part of. */
  readonly isFips: boolean
}

/**
 * Has the chosen library verify Ed25519 in this process. Without a choice it is libsodium where its package is installed, and
 * `node:crypto` in FIPS mode or where libsodium cannot be used, which is logged.
 * @throws UsageError where libsodium is chosen and cannot be used
 */
export function chooseEd25519({ ed25519 }: Ed25519Settings, log: Logger, machine: Machine = thisMachine()): void {
  if (ed25519 === 'node' || (ed25519 === undefined && machine.isFips)) {
    verifyWith('node')
    return
  }
  try {
    verifyWith(machine.load())
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND'
    if (ed25519 === 'sodium') throw new UsageError(`--ed25519 sodium: ${isMissing ? notInstalled : unusable(error)}`)
    verifyWith('node')
    if (!isMissing) log.warn({ event: 'sodium_unusable', ...errorFields(error) }, unusable(error))
  }
}

const notInstalled = 'sodium-native is not installed here: npm install sodium-native'

function unusable(error: unknown): string {
  return `sodium-native cannot be used here: ${error instanceof Error ? onOneLine(error.message) : 'it does not load'}`
}

function thisMachine(): Machine {
  return { load: () => createRequire(import.meta.url)('sodium-native'), isFips: getFips() === 1 }
}
