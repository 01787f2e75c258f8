import { agentCases } from './agent/cases.js'
import { agentServerCases } from './agent-server/cases.js'
import { authServerCases } from './auth-server/cases.js'
import type { Case } from './case/case.js'
import type { Role } from './report/role.js'
import { resourceCases } from './resource/cases.js'

/** A case, by what it judges and what it is about. */
export interface ListedCase {
  readonly role: Role
  readonly id: string
  /** Words of the sentences of docs/protocol.md that it stands on; none where its clause is one sentence. */
  readonly words: readonly string[]
  /** Requirements that it is about beside its own. */
  readonly clauses: readonly string[]
}

/** All cases of the suite. */
export function allCases(): readonly ListedCase[] {
  const listed = (role: Role, cases: readonly Pick<Case<unknown>, 'id' | 'words' | 'clauses'>[]): ListedCase[] =>
    cases.map(({ id, words = [], clauses = [] }) => ({ role, id, words: [words].flat(), clauses }))
  return [
    ...listed('resource', resourceCases),
    ...listed('agent-server', agentServerCases),
    ...listed('auth-server', authServerCases),
    ...listed('agent', agentCases),
  ]
}
