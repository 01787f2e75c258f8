import type { NoPeer } from '../no-peer.js'

export const middleSentences: readonly NoPeer[] = []
