import { isNamed } from './named.js'
import type { Requirement } from './requirement.js'

/** What an implementation may claim to keep. */
export type ConformanceLevel = 'core' | 'consent' | 'delegates' | 'chain' | 'delegation'

/** The clauses of a level. */
export interface LevelClauses {
  readonly level: ConformanceLevel
  /** What it is about, in one sentence. */
  readonly text: string
  /** Sections of docs/protocol.md, without those below them. */
  readonly sections: readonly string[]
  /** Ids of clauses in other sections, or beginnings of ids that end with a dot. They decide before sections do. */
  readonly clauses: readonly string[]
}

/** All levels. What no level names is of the core. */
export const levels: readonly LevelClauses[] = [
  {
    level: 'core',
    text: 'Signed requests, challenges, keys and their discovery, tokens, direct grants, refresh and revocation.',
    sections: [],
    clauses: [],
  },
  {
    level: 'consent',
    text: 'A user is asked: pages, codes, device flow, claims about the user, and accounts.',
    sections: ['6.3', '6.7'],
    clauses: [
      'code.',
      'device.',
      'error.device',
      'auth.redirect-uri',
      'id.redirect-uris',
      'id.development.cookies',
      'token.user',
      'token.auth.identity-scopes',
      'challenge.identity-scopes',
      'agent.checks.callback',
      'agent.tokens.per-user',
    ],
  },
  {
    level: 'delegates',
    text: 'Delegates of an agent: their enrolment, their tokens, their new keys, and what is theirs alone.',
    sections: [],
    clauses: [
      'delegate.',
      'restore.',
      'token.agent.',
      'grant.delegates',
      'refresh.bound-to-delegate',
      'auth.self.delegate',
      'error.invalid-agent-token',
    ],
  },
  {
    level: 'chain',
    text: 'More than one hop: a resource calls another for its caller, and questions to the user travel back.',
    sections: ['7'],
    clauses: [
      'participant.also-agent',
      'trust.auth-server.upstream',
      'challenge.user-interaction',
      'agent.checks.user-interaction',
      'agent.checks.user-url',
      'agent.interactions',
      'error.interaction-required',
      'revocation.middle',
      'limits.act',
      'mcp.bubbles-up',
    ],
  },
  {
    level: 'delegation',
    text: 'Delegation policies: conditions in tokens, and the approval of a single call.',
    sections: ['9', '9.1', '9.2', '9.3', '9.4'],
    clauses: ['token.policy'],
  },
]

/** The level of a requirement: that of its clause. */
export function levelOf({ id, clause = id, section }: Requirement): ConformanceLevel {
  const found = levels.find(one => isNamed(clause, one.clauses)) ?? levels.find(one => one.sections.includes(section))
  return found?.level ?? 'core'
}
