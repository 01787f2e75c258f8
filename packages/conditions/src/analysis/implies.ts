import type { Condition, Conditions } from '@countersign/protocol'
import { allowedBy, requestOutside } from './allowed.js'
import type { ConsideredRequest } from './request.js'

/** A request that one list allows and another refuses. */
export interface Difference {
  /** The condition that refuses it. */
  readonly refusedBy: Condition
  /** Its `body` or `answer` is absent also where it would be too long (a million elements or characters) or too hard to find. */
  readonly request: ConsideredRequest
}

/** A request that one of two lists allows and the other refuses. */
export interface Witness extends Difference {
  /** The list that allows it: the first or the second. */
  readonly allowedBy: 'first' | 'second'
}

/**
 * Tells whether each request that list `a` allows is allowed by list `b`: `a` is as narrow, or narrower.
 *
 * Exact for every type, lists taken together; lists that make a puzzle of `*` (10 000 steps do not solve it) count as not implied. Times of `hours` are compared from 2026 until 2066 by the rules of zones that the engine
 * has. `calls` of different periods do not imply each other: each counts by itself, only what was let pass under it.
 * @param a as {@link parseConditions} returns it
 * @param b likewise
 * @see protocol §9
 * @example
 * ```ts
 * import { implies, parseConditions } from '@countersign/conditions'
 *
 * const mail = parseConditions([{ type: 'resources', any: ['https://mail.corp.example'] }])
 * const corp = parseConditions([{ type: 'resources', any: ['https://*.corp.example'] }])
 * implies(mail, corp) // true
 * implies(corp, mail) // false
 * ```
 */
export function implies(a: Conditions, b: Conditions): boolean {
  return firstDifference(a, b) === undefined
}

/** Tells whether a list allows no request at all: purposes or resources without a common one, windows that never meet, no calls. */
export function conflicts(a: Conditions): boolean {
  return allowedBy(a) === undefined
}

/**
 * A request that one of the lists allows and the other refuses; of those that `a` allows, if there are any. Undefined: the lists allow
 * the same requests.
 * @see protocol §9
 */
export function witness(a: Conditions, b: Conditions): Witness | undefined {
  const first = firstDifference(a, b)
  if (first !== undefined) return { allowedBy: 'first', ...first }
  const second = firstDifference(b, a)
  return second && { allowedBy: 'second', ...second }
}

/**
 * What list `a` allows and list `b` refuses: of each condition of `b` that refuses some of it, one request. Empty: `a` implies `b`.
 * @see protocol §9
 */
export function differences(a: Conditions, b: Conditions): Difference[] {
  return [...findDifferences(a, b)]
}

function* findDifferences(a: Conditions, b: Conditions): Generator<Difference, undefined> {
  const allowed = allowedBy(a)
  if (allowed === undefined) return
  const held = new Set(a.filter(isCostly).map(condition => JSON.stringify(condition)))
  for (const refusedBy of b) {
    // A list implies each part of it, and most lists that are compared differ in little.
    if (isCostly(refusedBy) && held.has(JSON.stringify(refusedBy))) continue
    const request = requestOutside(allowed, refusedBy)
    if (request !== undefined) yield { refusedBy, request }
  }
}

/** Tells whether a search costs more than to see that a condition stands in both lists. */
function isCostly({ type }: Condition): boolean {
  return type === 'hours' || type === 'data' || type === 'arguments'
}

function firstDifference(a: Conditions, b: Conditions): Difference | undefined {
  return findDifferences(a, b).next().value
}
