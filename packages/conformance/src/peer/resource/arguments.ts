import { isObject, type JsonObject } from '../shared/json.js'
import { isNamed, segmentsOf } from './pointers.js'

/** A value of the arguments that holds no other, and where it is. */
export interface Leaf {
  readonly path: readonly string[]
  readonly value: unknown
}

/** All leaves: scalars, empty arrays and empty objects. @see protocol §9.2 */
export function leavesOf(value: unknown, path: readonly string[] = []): readonly Leaf[] {
  const inside = isObject(value) || Array.isArray(value) ? Object.entries(value) : []
  if (inside.length === 0) return [{ path, value }]
  return inside.flatMap(([name, one]) => leavesOf(one, [...path, name]))
}

/** A name without case, compatibility forms, invisible characters and white space at its ends. */
export function folded(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/[\p{C}\p{Default_Ignorable_Code_Point}]/gu, '')
    .trim()
    .toLowerCase()
    .normalize('NFKC')
}

/** Whether an object has two members whose names are equal when folded. */
export function hasFoldedTwins(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasFoldedTwins)
  if (!isObject(value)) return false
  const names = Object.keys(value).map(folded)
  return new Set(names).size !== names.length || Object.values(value).some(hasFoldedTwins)
}

/** Whether arguments hold nothing but what the rules list. */
export function argumentsMeet(value: unknown, rules: readonly JsonObject[]): boolean {
  const places = rules.map(({ at }) => segmentsOf(String(at)))
  if (!leavesOf(value).every(({ path }) => places.some(place => isBeneath(path, place)))) return false
  return rules.every(rule => ruleHolds(value, rule))
}

function isBeneath(path: readonly string[], place: readonly string[]): boolean {
  return place.length <= path.length && place.every((segment, at) => isNamed(segment, path[at] ?? ''))
}

function ruleHolds(value: unknown, { at, ...matching }: JsonObject): boolean {
  const [[name, wanted] = [undefined, undefined]] = Object.entries(matching)
  if (name === undefined) return true
  const found = valuesAt(value, segmentsOf(String(at)))
  return found.length > 0 && found.every(one => matches(one, name, wanted))
}

function valuesAt(value: unknown, [segment, ...rest]: readonly string[]): readonly unknown[] {
  if (segment === undefined) return [value]
  const inside = isObject(value) || Array.isArray(value) ? Object.entries(value) : []
  return inside.flatMap(([name, one]) => (isNamed(segment, name) ? valuesAt(one, rest) : []))
}

function matches(value: unknown, name: string, wanted: unknown): boolean {
  if (name === 'in') return Array.isArray(wanted) && wanted.includes(value)
  if (name === 'prefix') return typeof value === 'string' && value.startsWith(String(wanted))
  if (name === 'maxLength') {
    const length = typeof value === 'string' ? [...value].length : Array.isArray(value) ? value.length : undefined
    return length !== undefined && length <= Number(wanted)
  }
  if (typeof value !== 'number' || (Number.isInteger(value) && !Number.isSafeInteger(value))) return false
  return name === 'min' ? value >= Number(wanted) : value <= Number(wanted)
}
