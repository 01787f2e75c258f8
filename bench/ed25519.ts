import { createRequire } from 'node:module'
import { ed25519With } from '@countersign/httpsig/node'

/** The library that makes and verifies signatures of Ed25519 in a process. */
export type Ed25519 = 'sodium' | 'node'

/** As `--ed25519` of the server commands. */
export function chooseEd25519(library: Ed25519): void {
  ed25519With(library === 'node' ? 'node' : createRequire(import.meta.url)('sodium-native'))
}
