import { ConfigurationError } from '../config/configuration-error.js'
import type { Case } from './case.js'

/** Which cases run; without both, all. */
export interface Selection {
  /** Ids of cases, or of clauses that cases are about. */
  readonly only: readonly string[]
  readonly groups: readonly string[]
}

/** Chooses cases. @throws ConfigurationError for a name that chooses none */
export function selectCases<Stage>(cases: readonly Case<Stage>[], { only, groups }: Selection): readonly Case<Stage>[] {
  const has = (one: Case<Stage>, id: string): boolean => one.id === id || (one.clauses ?? []).includes(id)
  for (const id of only)
    if (!cases.some(one => has(one, id))) throw new ConfigurationError(`--only ${id}: there is no such case`)
  const known = new Set(cases.map(({ group }) => group))
  for (const group of groups)
    if (!known.has(group))
      throw new ConfigurationError(`--group ${group}: there is no such group; the groups are ${[...known].join(', ')}`)
  return cases.filter(
    one => (only.length === 0 || only.some(id => has(one, id))) && (groups.length === 0 || groups.includes(one.group)),
  )
}
