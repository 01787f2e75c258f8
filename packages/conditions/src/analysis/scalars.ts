import type { ArgumentRule } from '@countersign/protocol'

/** What may stand at a place: the matcher of a rule. */
export type Matcher = Omit<ArgumentRule, 'at'>

/** A string or an array of more than this many code points or elements is not built. */
export const longestBuilt = 1_000_000

/** Stands for a value that exists and is not built: it would be too long, or a number between two that a double can hold. */
export const unbuilt: unique symbol = Symbol('unbuilt')

const largest = Number.MAX_SAFE_INTEGER

/** Tells whether a matcher admits an array, so values may stand beneath it. */
export function admitsArrays(matcher: Matcher): boolean {
  return matcher.maxLength !== undefined
}

export function hasMatcher(rule: Matcher): boolean {
  return (
    rule.in !== undefined ||
    rule.min !== undefined ||
    rule.max !== undefined ||
    rule.prefix !== undefined ||
    rule.maxLength !== undefined
  )
}

/** A value without anything beneath it that all of these admit, and the refused one does not; undefined where there is none. */
export function leafFor(
  matchers: readonly Matcher[],
  { refused, isDeepest }: { readonly refused: Matcher | undefined; readonly isDeepest: boolean },
): { readonly value: unknown } | undefined {
  const candidates = [
    ...listed(matchers),
    ...plain,
    ...(isDeepest ? [] : [{}, []]),
    ...strings(matchers, refused),
    ...numbers(matchers, refused),
  ]
  const value = candidates.find(
    candidate => matchers.every(each => admits(each, candidate)) && !(refused && admits(refused, candidate)),
  )
  if (value !== undefined) return { value }
  return isTooLong(matchers, refused) || isBetween(matchers, refused) ? { value: unbuilt } : undefined
}

const plain: readonly unknown[] = ['x', 0, true, false, null]

function listed(matchers: readonly Matcher[]): readonly unknown[] {
  return matchers.find(matcher => matcher.in !== undefined)?.in ?? []
}

/** Tells whether a value is as a matcher says. @see protocol §9 */
export function admits(matcher: Matcher, value: unknown): boolean {
  if (matcher.in !== undefined) return matcher.in.some(one => one === value)
  if (matcher.min !== undefined) return isNumber(value) && value >= matcher.min
  if (matcher.max !== undefined) return isNumber(value) && value <= matcher.max
  if (matcher.prefix !== undefined) return typeof value === 'string' && value.startsWith(matcher.prefix)
  if (matcher.maxLength === undefined) return true
  if (typeof value === 'string') return [...value].length <= matcher.maxLength
  return Array.isArray(value) && value.length <= matcher.maxLength
}

/** An integer beyond what every reader reads alike is no number here. */
function isNumber(value: unknown): value is number {
  return typeof value === 'number' && (!Number.isInteger(value) || Number.isSafeInteger(value))
}

/** The longest prefix demanded; alone, with as many other ends as the refused list could hold, and longer than the refused length. */
function* strings(matchers: readonly Matcher[], refused: Matcher | undefined): Generator<string> {
  const start = longestPrefix(matchers)
  yield start
  for (let i = 0; i <= (refused?.in?.length ?? 0); i++) yield start + String.fromCodePoint(0x61 + i)
  const least = (refused?.maxLength ?? 0) + 1
  if (least <= longestBuilt) yield start + 'x'.repeat(Math.max(0, least - [...start].length))
}

function longestPrefix(matchers: readonly Matcher[]): string {
  return matchers.reduce((longest, { prefix = '' }) => (prefix.length > longest.length ? prefix : longest), '')
}

/** The ends of the interval, and as many numbers from its begin as the refused list could hold. */
function* numbers(matchers: readonly Matcher[], refused: Matcher | undefined): Generator<number> {
  const { least, most } = boundsOf(matchers)
  yield* [Math.ceil(least), Math.floor(most), least, most]
  const count = refused?.in?.length ?? 0
  for (let i = 1; i <= count; i++) yield Math.ceil(least) + i
  for (let i = 0, at = least; i <= count && at <= most; i++, at = numberAfter(at)) yield at
}

function boundsOf(matchers: readonly Matcher[]): { readonly least: number; readonly most: number } {
  const least = Math.max(-largest, ...matchers.map(({ min = -largest }) => min))
  const most = Math.min(largest, ...matchers.map(({ max = largest }) => max))
  return { least, most }
}

/** Numbers are judged as they are written, to the last decimal: no list holds all between two. */
function isBetween(matchers: readonly Matcher[], refused: Matcher | undefined): boolean {
  const { least, most } = boundsOf(matchers)
  return (
    refused?.in !== undefined &&
    least < most &&
    matchers.every(({ min, max }) => min !== undefined || max !== undefined)
  )
}

/** The next number that a double can hold. */
function numberAfter(value: number): number {
  if (value === 0) return Number.MIN_VALUE
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n))
  return view.getFloat64(0)
}

/** Only the lengths matter: whether a string or array fits that is longer than the refused length, or than any that is built. */
function isTooLong(matchers: readonly Matcher[], refused: Matcher | undefined): boolean {
  if (refused?.maxLength === undefined || refused.maxLength < longestBuilt) return false
  const others = matchers.filter(({ maxLength }) => maxLength === undefined)
  const longest = Math.min(...matchers.map(({ maxLength = Number.POSITIVE_INFINITY }) => maxLength))
  const prefix = longestPrefix(matchers)
  return (
    longest > refused.maxLength && others.every(each => each.prefix !== undefined && prefix.startsWith(each.prefix))
  )
}
