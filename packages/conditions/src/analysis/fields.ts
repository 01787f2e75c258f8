import type { DataCondition } from '@countersign/protocol'
import { maxJsonDepth } from '../json/scan.js'
import { freshName } from './names.js'
import { every, type Segments, segmentsOf } from './pointers.js'

/** A place in an answer, as pointers see it: `undefined` is a member that no pointer names. */
type Place = ReadonlyArray<string | undefined>

/** As in the search for a body: the question holds SAT, lists that people write take some ten steps, and what is not known is not implied. */
const mostSteps = 10_000

interface Leak {
  readonly place: Place
  /** An empty object, which stays where a pointer leads beneath it; else a value, which only stays where one leads to it. */
  readonly empty: boolean
}

/**
 * An answer that every one of the conditions lets through whole, and the other one does not.
 *
 * One place is enough, and members are: an element stands where a member of its number may stand, and the elements before it may be
 * `null`, which is never taken away. So the question is whether some pointers, one of each condition, meet at a place that the other
 * condition's pointers miss.
 * @returns undefined where there is none; a value of undefined where the search was given up
 */
export function answerOutside(
  conditions: readonly DataCondition[],
  other: DataCondition,
): { readonly value: unknown } | undefined {
  const lists = conditions.map(({ fields }) => fields.map(segmentsOf)).toSorted((a, b) => a.length - b.length)
  const barred = other.fields.map(segmentsOf)
  const longest = Math.max(...[...lists.flat(), ...barred].map(({ length }) => length), 1)
  const effort = { steps: 0 }
  for (let length = 1; length <= Math.min(longest, maxJsonDepth); length++) {
    const leak = leakOf({ lists, barred, effort }, length)
    if (effort.steps > mostSteps) return { value: undefined }
    // bound: one call
    if (leak !== undefined) return { value: answerOf(leak, new Set([...lists.flat(2), ...barred.flat()])) }
  }
  return undefined
}

function leakOf({ lists, barred, effort }: Meeting, length: number): Leak | undefined {
  const upTo = (pointers: readonly Segments[]): Segments[] => pointers.filter(pointer => pointer.length <= length)
  const cut = (pointers: readonly Segments[]): Segments[] => pointers.map(pointer => pointer.slice(0, length))
  const anywhere: Place = Array.from({ length }, () => undefined)
  const value = meet({ lists: lists.map(upTo), barred: upTo(barred), effort }, anywhere)
  if (value !== undefined) return { place: value, empty: false }
  if (length === maxJsonDepth) return undefined
  const empty = meet({ lists: lists.map(cut), barred: cut(barred), effort }, anywhere)
  return empty === undefined ? undefined : { place: empty, empty: true }
}

interface Meeting {
  readonly lists: ReadonlyArray<readonly Segments[]>
  readonly barred: readonly Segments[]
  readonly effort: { steps: number }
}

/** A place, at or within this one, to which a pointer of every list leads and no barred one. */
function meet({ lists, barred, effort }: Meeting, place: Place): Place | undefined {
  effort.steps++
  if (effort.steps > mostSteps) return undefined
  // A barred pointer that leads to any member leads to each: to go into more detail does not help.
  if (barred.some(pointer => leadsTo(pointer, place))) return undefined
  const open = lists.filter(list => !list.some(pointer => leadsTo(pointer, place)))
  const [first, ...rest] = open
  if (first === undefined) return place
  for (const pointer of first) {
    const narrower = alongBoth(pointer, place)
    const found = narrower === undefined ? undefined : meet({ lists: rest, barred, effort }, narrower)
    if (found !== undefined) return found
  }
  return undefined
}

function leadsTo(pointer: Segments, place: Place): boolean {
  return pointer.every((segment, i) => segment === every || segment === place[i])
}

/** The place with the names that the pointer demands. */
function alongBoth(pointer: Segments, place: Place): Place | undefined {
  const fits = pointer.every((segment, i) => segment === every || place[i] === undefined || place[i] === segment)
  if (!fits) return undefined
  return place.map((name, i) => name ?? (pointer[i] === every ? undefined : pointer[i]))
}

function answerOf({ place, empty }: Leak, taken: ReadonlySet<string>): unknown {
  const unnamed = freshName(taken, i => (i === 0 ? 'other' : `other${i}`))
  return place.reduceRight<unknown>((held, name) => objectWith(name ?? unnamed, held), empty ? {} : 'x')
}

/** A member `__proto__` is a member like others. */
export function objectWith(name: string, value: unknown): object {
  return Object.fromEntries([[name, value]])
}
