import { isAmong } from '../term/identifier-list.js'
import type { Condition } from './condition.js'
import { isWithinHours } from './hours.js'

/** A condition that needs neither a body nor a counter to be judged. */
export type PlainCondition = Extract<
  Condition,
  { readonly type: 'until' | 'hours' | 'resources' | 'scopes' | 'purposes' | 'chain' }
>

/** What such a condition is judged by; see `JudgedFacts` of `@countersign/conditions`. */
export interface PlainFacts {
  readonly now: number
  readonly resource: string
  readonly scope: readonly string[]
  readonly purposes?: readonly string[] | undefined
  readonly levels: number
  readonly services: readonly string[]
}

/** Whether a condition that needs neither a body nor a counter holds. @see protocol §9.2 */
export function conditionHolds(condition: PlainCondition, facts: PlainFacts): boolean {
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
