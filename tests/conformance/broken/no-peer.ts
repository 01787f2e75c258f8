import { agentSentences } from './no-peer/agent.js'
import { authServerSentences } from './no-peer/auth-server.js'
import { mcpSentences } from './no-peer/mcp.js'
import { middleSentences } from './no-peer/middle.js'
import { policySentences } from './no-peer/policy.js'
import { resourceSentences } from './no-peer/resource.js'

/** Why a sentence with a word like *must* needs no broken peer. */
export const reasonsForNone = {
  beside: 'It says why, or sums up what other sentences demand: a peer that breaks those breaks it.',
  may: 'It allows something, or says what follows: nobody can break it.',
  inside: 'It shows only inside an implementation: in its database, its start, its logs or its memory.',
  operators: 'It is about what an operator or an author writes, not about what a participant answers.',
} as const

/** Sentences of a clause that need no broken peer, by words that stand in one of them. */
export interface NoPeer {
  readonly clause: string
  readonly words: string
  readonly why: keyof typeof reasonsForNone
}

/** All sentences that need no broken peer. */
export const noPeers: readonly NoPeer[] = [
  ...resourceSentences,
  ...policySentences,
  ...mcpSentences,
  ...middleSentences,
  ...authServerSentences,
  ...agentSentences,
]
