import { getFips } from 'node:crypto'
import { createRequire } from 'node:module'
import { onOneLine, UsageError } from '@countersign/fetch/internal'
import { ed25519With, type Sodium } from '@countersign/httpsig/node'
import { z } from 'zod'

/** The option of every server that says which library makes and verifies signatures of Ed25519. */
export const ed25519Options = {
  ed25519: z
    .enum(['sodium', 'node'])
    .optional()
    .describe(
      'library that makes and verifies signatures of Ed25519: node is node:crypto, which also uses other cores; sodium is the package sodium-native, which takes half of the CPU, on one core; default node',
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
  /** Whether OpenSSL runs in FIPS mode, of whose validated module libsodium is no part. */
  readonly isFips: boolean
}

/**
 * Has the chosen library make and verify signatures of Ed25519 in this process. Call it before anything is opened.
 * @throws UsageError where libsodium is chosen and cannot be used
 */
export function chooseEd25519({ ed25519 = 'node' }: Ed25519Settings, machine: Machine = thisMachine()): void {
  if (ed25519 === 'node') {
    ed25519With('node')
    return
  }
  if (machine.isFips) throw new UsageError('--ed25519 sodium: libsodium is not validated for FIPS mode: use node')
  try {
    ed25519With(machine.load())
  } catch (error) {
    throw new UsageError(`--ed25519 sodium: ${reasonOf(error)}`)
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'sodium-native does not load'
  const code = 'code' in error ? error.code : undefined
  if (code === 'MODULE_NOT_FOUND' && error.message.includes("'sodium-native'"))
    return 'sodium-native is not installed beside the command: npm install sodium-native'
  if (code === 'ADDON_NOT_FOUND') return `sodium-native has no build for ${process.platform} on ${process.arch}`
  // Why a build does not load stands in the cause: an older C library, for example.
  const { message } = error.cause instanceof Error ? error.cause : error
  return `sodium-native cannot be used here: ${onOneLine(message.split('\n')[0] ?? '')}`
}

function thisMachine(): Machine {
  return { load: () => createRequire(import.meta.url)('sodium-native'), isFips: getFips() === 1 }
}
