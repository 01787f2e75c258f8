import { explainCondition, parseConditions } from '@countersign/conditions'
import { AAuthError } from '@countersign/protocol'

/** Conditions in words, one sentence each; what a receiver would refuse is said as that. */
export function conditionLines(value: unknown): string[] {
  try {
    const conditions = parseConditions(value, { development: true })
    if (conditions.length === 0) return ['No conditions.']
    return conditions.map(condition => `${explainCondition(condition, { language: 'en' })}.`)
  } catch (error) {
    if (error instanceof AAuthError) return [`Refused everywhere: ${error.description}.`]
    throw error
  }
}
