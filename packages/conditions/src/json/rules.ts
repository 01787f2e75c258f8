import type { ArgumentRule } from '@countersign/protocol'
import { compareDecimals, decimalOf, isWithinSafeIntegers } from './decimal.js'
import { endOf, type PointerNode, pointerRoot, stepping } from './place.js'
import type { JsonNode } from './read.js'
import { stringOf } from './scan.js'

/** What all rules with a matcher say of one place in a JSON value. */
export interface RulePlace {
  /** No rule leads further down. */
  readonly isLast: boolean
  /** Whether a value at this place meets the rules that name it. */
  meets(node: JsonNode, text: string): boolean
  below(segment: string): RulePlace
}

/** The rules of a walk, and whether each rule with a matcher has named a value on it. */
export function rulesOf(rules: readonly ArgumentRule[]): { readonly root: RulePlace; areAllMet(): boolean } {
  const tree = pointerRoot()
  // bound: one call
  const ending = new Map<PointerNode, ArgumentRule[]>()
  for (const rule of rules) {
    // With `at` alone it lets anything be there, or nothing.
    if (Object.keys(rule).length === 1) continue
    const end = endOf(tree, rule.at)
    ending.set(end, [...(ending.get(end) ?? []), rule])
  }
  const unmet = new Set(ending.keys())
  const placeOf = (nodes: readonly PointerNode[]): RulePlace => {
    // A place is made when a value is met there.
    for (const node of nodes) unmet.delete(node)
    const here = nodes.flatMap(node => ending.get(node) ?? [])
    const matchers = matchersOf(here)
    return {
      isLast: nodes.every(({ next }) => next.size === 0),
      meets: (node, text) =>
        matchers.length === 0 || isMatched(node, { matchers, written: text.slice(node.start, node.end) }),
      below: stepping(nodes, lead => placeOf(nodes.flatMap(lead))),
    }
  }
  return { root: placeOf([tree]), areAllMet: () => unmet.size === 0 }
}

type Matcher = (node: JsonNode, written: string) => boolean

function isMatched(node: JsonNode, { matchers, written }: { matchers: readonly Matcher[]; written: string }): boolean {
  return matchers.every(matches => matches(node, written))
}

/** One matcher of each kind: it asks what all rules of that kind ask together. */
function matchersOf(rules: readonly ArgumentRule[]): Matcher[] {
  const all = <T>(of: (rule: ArgumentRule) => T | undefined): T[] =>
    rules.map(of).filter((value): value is T & {} => value !== undefined)
  const [listed, prefixes] = [all(rule => rule.in), all(rule => rule.prefix)]
  const [min, max, maxLength] = [all(rule => rule.min), all(rule => rule.max), all(rule => rule.maxLength)]
  return [
    ...(listed.length > 0 ? [amongOf(listed)] : []),
    ...(min.length > 0 ? [numberThat(order => order >= 0, Math.max(...min))] : []),
    ...(max.length > 0 ? [numberThat(order => order <= 0, Math.min(...max))] : []),
    ...(prefixes.length > 0 ? [beginningWith(prefixes)] : []),
    ...(maxLength.length > 0 ? [noLongerThan(Math.min(...maxLength))] : []),
  ]
}

/** Equal in type and value to some value of each list: `1.0` is 1, `"1"` is not. */
function amongOf(lists: ReadonlyArray<NonNullable<ArgumentRule['in']>>): Matcher {
  // bound: one call
  const sets = lists.map(listed => new Set(listed.map(keyOfScalar)))
  const common = new Set(
    lists
      .flat()
      .map(keyOfScalar)
      .filter(key => sets.every(set => set.has(key))),
  )
  return ({ kind }, written) => {
    if (kind === 'string') return common.has(`"${stringOf(written)}`)
    if (kind === 'literal') return common.has(written)
    return kind === 'number' && common.has(keyOfNumber(written))
  }
}

function keyOfScalar(value: string | number | boolean | null): string {
  if (typeof value === 'string') return `"${value}`
  return typeof value === 'number' ? keyOfNumber(String(value)) : String(value)
}

/** The same for one number, however it is written. */
function keyOfNumber(written: string): string {
  const { isNegative, digits, exponent } = decimalOf(written)
  return `${isNegative ? '-' : ''}${digits}e${exponent}`
}

function beginningWith(prefixes: readonly string[]): Matcher {
  const longest = prefixes.reduce((one, other) => (other.length > one.length ? other : one))
  // Of two prefixes that part ways, no string has both.
  if (!prefixes.every(prefix => longest.startsWith(prefix))) return () => false
  return ({ kind }, written) => kind === 'string' && stringOf(written).startsWith(longest)
}

function numberThat(holds: (order: number) => boolean, limit: number): Matcher {
  const bound = decimalOf(String(limit))
  return ({ kind }, written) => {
    if (kind !== 'number') return false
    const value = decimalOf(written)
    // Beyond, a reader with 64-bit floating point would see another number.
    return isWithinSafeIntegers(value) && holds(compareDecimals(value, bound))
  }
}

function noLongerThan(most: number): Matcher {
  return (node, written) => lengthOf(node, written) <= most
}

/** Code points of a string, elements of an array; nothing else has a length. */
function lengthOf(node: JsonNode, written: string): number {
  if (node.kind === 'array') return node.elements.length
  if (node.kind !== 'string') return Number.POSITIVE_INFINITY
  let length = 0
  for (const _ of stringOf(written)) length++
  return length
}
