import type { NoPeer } from '../no-peer.js'

export const agentSentences: readonly NoPeer[] = []
