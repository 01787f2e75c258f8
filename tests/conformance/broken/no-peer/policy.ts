import type { NoPeer } from '../no-peer.js'

export const policySentences: readonly NoPeer[] = []
