import type { NoPeer } from '../no-peer.js'

/** Sentences about agents. */
export const agentSentences: readonly NoPeer[] = [
  { clause: 'agent.checks.issuer', words: 'An agent must check what comes back to it', why: 'beside' },
]
