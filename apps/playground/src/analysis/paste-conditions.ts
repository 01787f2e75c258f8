import { firstUnmet, parseConditions } from '@countersign/conditions'
import { AAuthError } from '@countersign/protocol'
import { isObject } from '@countersign/protocol/internal'
import type { PasteAnalysis } from './analysis.js'
import { clauseOf, reasonWords } from './clause.js'
import { conditionLines } from './conditions.js'
import { sentence } from './run.js'

/** The list of conditions in a JSON value: a list, one condition, or an object that has one as a claim; undefined for anything else. */
export function conditionsIn(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value
  if (!isObject(value)) return undefined
  for (const name of ['delegation', 'constraints', 'conditions']) if (Array.isArray(value[name])) return value[name]
  return typeof value['type'] === 'string' ? [value] : undefined
}

/** Judges a list of conditions, and says it in words. @param now Unix seconds */
export function takeConditionsApart(list: unknown[], now: number): PasteAnalysis {
  const words = conditionLines(list)
  try {
    const conditions = parseConditions(list, { development: true })
    // These two need nothing but a time.
    const facts = { now, resource: '', scope: [], levels: 0, services: [] }
    const unmet = firstUnmet(conditions, facts, ['until', 'hours'])
    const held =
      unmet === undefined ? 'At this time none of them has ended.' : `At this time “${unmet.type}” does not hold.`
    const verdict = `A receiver understands ${list.length === 1 ? 'this condition' : `all ${list.length} conditions`}. ${held}`
    return { kind: 'conditions', ok: true, verdict, findings: [], notes: [], conditions: words }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    const { reason, description } = error
    const entry = reasonWords(reason)
    const finding = {
      reason,
      wrong: sentence(description),
      right: entry?.fix ?? '',
      ...(entry === undefined ? {} : { clause: clauseOf(entry.clause) }),
    }
    const verdict =
      'Every receiver refuses a token with this list: a condition that is not understood must not be ignored.'
    return { kind: 'conditions', ok: false, verdict, findings: [finding], notes: [] }
  }
}
