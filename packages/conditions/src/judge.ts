import type { AAuthError, Condition, Conditions, JudgedCondition, JudgedFacts, JudgedType } from '@countersign/protocol'
import { conditionHolds, endOfHours, refusal } from '@countersign/protocol/internal'

const order: readonly JudgedType[] = ['until', 'hours', 'resources', 'scopes', 'purposes', 'chain']

/**
 * The first condition that does not hold, of those that need neither a body nor a counter, in the order until, hours, resources, scopes,
 * purposes, chain. The others are for their own checks: {@link conditionsOf} finds them.
 * @param types judges these alone: an agent token before a challenge, by `until`, `hours`, `resources` and `scopes`
 * @returns undefined when all hold
 * @see protocol §9.3
 * @example
 * ```ts
 * import { firstUnmet, parseConditions } from '@countersign/conditions'
 *
 * const conditions = parseConditions([{ type: 'scopes', any: ['mail.read'] }])
 * const facts = { now: 1767225600, resource: 'https://mail.example', scope: ['mail.send'], levels: 0, services: [] }
 * firstUnmet(conditions, facts)?.type // 'scopes'
 * ```
 */
export function firstUnmet(
  conditions: Conditions,
  facts: JudgedFacts,
  types: readonly JudgedType[] = order,
): JudgedCondition | undefined {
  for (const type of order) {
    if (!types.includes(type)) continue
    for (const condition of conditions)
      if (condition.type === type && !conditionHolds(condition as JudgedCondition, facts))
        return condition as JudgedCondition
  }
  return undefined
}

const reasons = {
  until: 'condition_ended',
  hours: 'condition_outside_hours',
  resources: 'condition_resource',
  scopes: 'condition_scope',
  purposes: 'condition_purpose',
  chain: 'condition_chain',
} as const

/**
 * The refusal for a condition that does not hold: 403, with the reason of its kind.
 * @param code `policy_denied` at a resource, `access_denied` at an auth server
 * @see protocol §9.3
 */
export function unmetError(condition: JudgedCondition, code: 'policy_denied' | 'access_denied'): AAuthError {
  return refusal(reasons[condition.type], { code })
}

/**
 * The Unix second at which `until` or `hours` first stops holding; `now` where one does not hold. No token and no stream goes beyond it.
 * @param now Unix seconds
 * @returns undefined where no condition ends
 * @see protocol §9.2
 */
export function endOf(conditions: Conditions, now: number): number | undefined {
  const ends = conditions.flatMap(condition => {
    if (condition.type === 'until') return [Math.max(condition.time, now)]
    return condition.type === 'hours' ? [endOfHours(condition, now)] : []
  })
  const known = ends.filter(end => end !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** The kinds of conditions that use words of one resource. */
const ofOneResource: ReadonlySet<string> = new Set(['data', 'arguments', 'approval'])

/**
 * The conditions of one kind, in their order.
 * @param resource leaves out a `data`, `arguments` or `approval` that uses the words of another resource: it holds here
 * @see protocol §9.1
 */
export function conditionsOf<T extends Condition['type']>(
  conditions: Conditions,
  type: T,
  resource?: string,
): ReadonlyArray<Extract<Condition, { readonly type: T }>> {
  const isOfType = (condition: Condition): condition is Extract<Condition, { readonly type: T }> =>
    condition.type === type
  return conditions
    .filter(isOfType)
    .filter(
      condition =>
        resource === undefined ||
        !ofOneResource.has(type) ||
        ('resource' in condition && condition.resource === resource),
    )
}
