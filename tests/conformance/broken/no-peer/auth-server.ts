import type { NoPeer } from '../no-peer.js'

export const authServerSentences: readonly NoPeer[] = []
