import { createRequire } from 'node:module'
import { verifyWith } from '@countersign/httpsig/node'

/** The library that verifies Ed25519 in a measured process. */
export type Ed25519 = 'sodium' | 'node'

/** As `--ed25519` of the server commands. */
export function verifyEd25519With(library: Ed25519): void {
  verifyWith(library === 'node' ? 'node' : createRequire(import.meta.url)('sodium-native'))
}
