import { isAmong } from '../term/identifier-list.js'
import type { Condition } from './condition.js'
import { isWithinHours } from './hours.js'

/** What conditions are judged by: one request at a resource, or one token that an auth server is asked for. */
export interface JudgedFacts {
  /** Unix seconds. */
  readonly now: number
  /** The identifier of the resource. */
  readonly resource: string
  /** What this request uses: at a resource the scope of the route, at an auth server what is asked and what is granted. */
  readonly scope: readonly string[]
  /** The purposes of the token; absent: none. */
  readonly purposes?: readonly string[] | undefined
  /** The depth of `act`; 0 without it. */
  readonly levels: number
  /** Under an `act`, `agent` and every `act.agent` but the innermost; else none. */
  readonly services: readonly string[]
}

/** A kind of condition that needs neither a body nor a counter to be judged. */
export type JudgedType = 'until' | 'hours' | 'resources' | 'scopes' | 'purposes' | 'chain'

/** A condition that needs neither a body nor a counter to be judged. */
export type JudgedCondition = Extract<Condition, { readonly type: JudgedType }>

/** Whether a condition that needs neither a body nor a counter holds. @see protocol §9.2 */
export function conditionHolds(condition: JudgedCondition, facts: JudgedFacts): boolean {
  switch (condition.type) {
    case 'until':
      return facts.now < condition.time
    case 'hours':
      return isWithinHours(condition, facts.now)
    case 'resources':
      return isAmong(condition.any, facts.resource)
    case 'scopes':
      return facts.scope.every(scope => scope === 'openid' || condition.any.includes(scope))
    case 'purposes':
      // Without purposes there is nothing that could be among them: "every element of nothing" must not hold.
      return (facts.purposes ?? []).length > 0 && (facts.purposes ?? []).every(name => condition.any.includes(name))
    case 'chain':
      return facts.levels <= condition.max && facts.services.every(id => condition.through?.includes(id) ?? true)
  }
}
