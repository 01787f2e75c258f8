import type { NoPeer } from '../no-peer.js'

export const policySentences: readonly NoPeer[] = [
  { clause: 'policy.all-hold', words: 'Two readers must not read one list in two ways', why: 'beside' },
  { clause: 'policy.hours.zone', words: 'may refuse a name that IANA has only as a link to another', why: 'may' },
  { clause: 'policy.calls.answer', words: 'must never be counted in one instance alone', why: 'inside' },
  {
    clause: 'policy.data.whole',
    words: 'must let callers filter and sort only by fields that they see',
    why: 'operators',
  },
  { clause: 'policy.data.whole', words: 'A request must hold nothing but what the rules list', why: 'beside' },
  { clause: 'policy.order', words: 'So a request that is refused costs no call', why: 'beside' },
]
