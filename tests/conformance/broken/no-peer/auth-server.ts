import type { NoPeer } from '../no-peer.js'

export const authServerSentences: readonly NoPeer[] = [
  // Nobody outside can restart an auth server between a code and its repeat.
  { clause: 'code.repeat', words: 'so that a crash ends no grant', why: 'inside' },
  // A race in the database: which of two transactions came first does not show.
  { clause: 'approval.ended', words: 'A question that is stored while the grant ends', why: 'inside' },
  // Only an operator restores a database.
  { clause: 'consent.device-guesses', words: 'A backup must not bring back used codes', why: 'beside' },
  { clause: 'consent.device-guesses', words: 'must keep an **epoch** in its database', why: 'inside' },
  { clause: 'consent.device-guesses', words: 'The epoch grows, within seconds', why: 'inside' },
]
