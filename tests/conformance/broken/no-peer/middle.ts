import type { NoPeer } from '../no-peer.js'

export const middleSentences: readonly NoPeer[] = [
  { clause: 'revocation.claim', words: 'An auth token lives for minutes', why: 'beside' },
  { clause: 'revocation.claim', words: 'So an auth server tells the resource', why: 'beside' },
  { clause: 'sig.replay.agent', words: 'An agent must not guess', why: 'beside' },
  { clause: 'error.reason.no-oracle', words: 'A reason must not tell more than the description', why: 'beside' },
  { clause: 'error.reason', words: 'A name never changes its meaning', why: 'operators' },
]
