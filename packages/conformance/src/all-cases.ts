import { agentCases } from './agent/cases.js'
import { agentServerCases } from './agent-server/cases.js'
import { authServerCases } from './auth-server/cases.js'
import type { Role } from './report/role.js'
import { resourceCases } from './resource/cases.js'

/** A case, by what it judges and what it is about. */
export interface ListedCase {
  readonly role: Role
  readonly id: string
  /** Requirements that it is about beside its own. */
  readonly clauses: readonly string[]
}

/** All cases of the suite. */
export function allCases(): readonly ListedCase[] {
  const listed = (
    role: Role,
    cases: readonly { readonly id: string; readonly clauses?: readonly string[] }[],
  ): ListedCase[] => cases.map(({ id, clauses = [] }) => ({ role, id, clauses }))
  return [
    ...listed('resource', resourceCases),
    ...listed('agent-server', agentServerCases),
    ...listed('auth-server', authServerCases),
    ...listed('agent', agentCases),
  ]
}
