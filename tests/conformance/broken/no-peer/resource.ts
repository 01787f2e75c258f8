import type { NoPeer } from '../no-peer.js'

/** Overviews, headings and reasons of §1 to §4: they require nothing themselves. */
export const resourceSentences: readonly NoPeer[] = [
  { clause: 'participant.also-agent', words: 'This section says which there are', why: 'beside' },
  { clause: 'level.identity-first', words: 'Who must be known to whom', why: 'beside' },
  { clause: 'sig.required', words: 'refuses the request if it was seen before', why: 'beside' },
  { clause: 'sig.headers.no-fallback', words: 'What is signed is never taken for unsigned', why: 'beside' },
  { clause: 'sig.target.raw', words: 'So a verifier works on the bytes that were received', why: 'beside' },
  { clause: 'sig.covered.always', words: 'So these must be covered', why: 'beside' },
  { clause: 'sig.alg.from-key', words: 'A verifier must refuse', why: 'beside' },
  { clause: 'sig.replay.unsafe', words: 'A captured request must not take effect twice', why: 'beside' },
  { clause: 'challenge.syntax', words: 'tells an agent what its request must show to pass', why: 'beside' },
  { clause: 'challenge.no-downgrade', words: 'What a resource must answer', why: 'beside' },
]
