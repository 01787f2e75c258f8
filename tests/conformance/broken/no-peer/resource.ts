import type { NoPeer } from '../no-peer.js'

export const resourceSentences: readonly NoPeer[] = []
