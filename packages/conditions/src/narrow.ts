import {
  type ChainCondition,
  type Condition,
  type Conditions,
  maxConditionBytes,
  maxConditions,
} from '@countersign/protocol'
import { byteLength, freezeJson, isAmong, refusal } from '@countersign/protocol/internal'

const none: Conditions = Object.freeze([])

/**
 * The conditions of all lists together: what an operator demands, what users chose, the `delegation` of the caller, and the `constraints` of
 * an upstream token. Nothing is merged; a condition is left out only where another of its type in the list implies it, and no `until` where
 * calls of a grant are counted.
 * @param lists as `parseConditions` returns them
 * @throws AAuthError `access_denied` for more than 32 conditions or 2 KiB
 * @see protocol §9.1
 * @example
 * ```ts
 * import { narrow, parseConditions } from '@countersign/conditions'
 *
 * const operator = parseConditions([{ type: 'until', time: 1798758000 }])
 * const user = parseConditions([{ type: 'until', time: 1796079600 }])
 * narrow([operator, user]) // [{ type: 'until', time: 1796079600 }]
 * ```
 */
export function narrow(lists: readonly Conditions[]): Conditions {
  const needed: Condition[] = lists.flat()
  if (needed.length === 0) return none
  // A resource keeps the count of a grant until the last `until`: an agent whose delegation ends sooner must not have it forgotten.
  const isCounted = needed.some(condition => condition.type === 'calls' && condition.per === 'grant')
  const isNeedless = (condition: Condition, by: Condition): boolean =>
    isCounted && condition.type === 'until' ? isSame(by, condition) : isImplied(condition, by)
  // Compared with what is still there: of two that imply each other, one stays.
  for (let i = needed.length - 1; i >= 0; i--) {
    const condition = needed[i]
    if (condition !== undefined && needed.some((other, at) => at !== i && isNeedless(condition, other)))
      needed.splice(i, 1)
  }
  if (needed.length > maxConditions || byteLength(JSON.stringify(needed)) > maxConditionBytes)
    throw refusal('conditions_too_long')
  return freezeJson(needed)
}

/**
 * Whether one condition is implied by another, as far as that shows at once. The analysis of `implies` finds more and takes longer: agents
 * choose the lists that an auth server narrows.
 */
function isImplied(condition: Condition, by: Condition): boolean {
  switch (condition.type) {
    case 'resources':
      return by.type === condition.type && by.any.every(entry => isAmong(condition.any, entry))
    case 'scopes':
    case 'purposes':
      return by.type === condition.type && isWithin(by.any, condition.any)
    case 'until':
      return by.type === condition.type && by.time <= condition.time
    case 'hours':
      return (
        by.type === condition.type && isSame(by, { ...condition, days: by.days }) && isWithin(by.days, condition.days)
      )
    case 'calls':
      // Windows of different length imply nothing of each other: five in the last minute may be the first of the hour.
      return by.type === condition.type && by.per === condition.per && by.max <= condition.max
    case 'chain':
      return by.type === condition.type && isImpliedChain(condition, by)
    case 'data':
      return by.type === condition.type && by.resource === condition.resource && isWithin(by.fields, condition.fields)
    case 'arguments':
      return isSame(by, condition)
    case 'approval':
      return (
        by.type === condition.type &&
        by.resource === condition.resource &&
        (by.of === '*' || (condition.of !== '*' && isWithin(condition.of, by.of)))
      )
  }
}

function isImpliedChain({ max, through }: ChainCondition, by: ChainCondition): boolean {
  if (by.max > max) return false
  return by.max === 0 || through === undefined || (by.through !== undefined && isWithin(by.through, through))
}

function isWithin<T>(values: readonly T[], all: readonly T[]): boolean {
  const known = new Set(all)
  return values.every(value => known.has(value))
}

function isSame(a: Condition, b: Condition): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
