import type { NoPeer } from '../no-peer.js'

export const mcpSentences: readonly NoPeer[] = []
