import type { ArgumentsCondition } from '@countersign/protocol'
import { type Body, type Demand, type Rule, solve } from './body-search.js'
import { segmentsOf } from './pointers.js'
import { hasMatcher } from './scalars.js'

/** A body that every one of the conditions admits. */
export function bodyWithin(conditions: readonly ArgumentsCondition[]): Body | undefined {
  const rules = rulesOf(conditions)
  return solve({ rules, lists: conditions.length }, demandsOf(rules))
}

/**
 * A body that every one of the conditions admits and the other one does not: it has a value where the other has no rule, lacks one that
 * the other wants, or has one that the other's matcher refuses.
 */
export function bodyOutside(conditions: readonly ArgumentsCondition[], other: ArgumentsCondition): Body | undefined {
  const rules = rulesOf(conditions)
  const demands = demandsOf(rules)
  const lists = conditions.length
  const places = other.where.map((rule): Rule => ({ list: lists, segments: segmentsOf(rule.at) }))
  const uncovered = solve({ rules: [...rules, ...places], lists }, [...demands, { uncovered: true }])
  if (uncovered !== undefined) return uncovered
  for (const rule of other.where) {
    if (!hasMatcher(rule)) continue
    const segments = segmentsOf(rule.at)
    const found =
      solve({ rules, lists }, [...demands, { segments, refused: rule }]) ??
      solve({ rules: [...rules, { list: lists, segments, forbidden: true }], lists }, demands)
    if (found !== undefined) return found
  }
  return undefined
}

function rulesOf(conditions: readonly ArgumentsCondition[]): Rule[] {
  return conditions.flatMap(({ where }, list) =>
    where.map(rule => ({ list, segments: segmentsOf(rule.at), ...(hasMatcher(rule) && { matcher: rule }) })),
  )
}

/** A rule with a matcher names at least one value. */
function demandsOf(rules: readonly Rule[]): Demand[] {
  const demanded = new Map(
    rules.flatMap(({ matcher, segments }) => (matcher ? [[JSON.stringify(segments), segments]] : [])),
  )
  return [...demanded.values()].map(segments => ({ segments }))
}
