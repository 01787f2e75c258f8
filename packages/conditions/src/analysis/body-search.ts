import { foldedName } from '@countersign/protocol/internal'
import { maxJsonDepth } from '../json/scan.js'
import { freshName } from './names.js'
import { every, indexOf, type Segments } from './pointers.js'
import { admitsArrays, leafFor, longestBuilt, type Matcher, unbuilt } from './scalars.js'

/** A JSON body; its value is undefined where there is one that is not built. */
export interface Body {
  readonly value: unknown
}

/** What holds for every value at a place. */
export interface Rule {
  /** Number of the condition it is from; the last number is that of the other condition, which need not cover a value. */
  readonly list: number
  readonly segments: Segments
  readonly matcher?: Matcher
  /** No value may be here. */
  readonly forbidden?: boolean
}

/** What a body must have somewhere. */
export interface Demand {
  /** A value here; without: some value with nothing beneath it. */
  readonly segments?: Segments
  /** Which this matcher does not admit. */
  readonly refused?: Matcher
  /** Which the other condition does not cover. */
  readonly uncovered?: boolean
}

/** Rules, and how many conditions must cover each value with nothing beneath it. */
export interface Problem {
  readonly rules: readonly Rule[]
  readonly lists: number
}

/** What is left of the problem at one value of the body. */
interface Node {
  readonly depth: number
  /** Those that are met here or further down. */
  readonly rules: readonly Rule[]
  readonly covered: ReadonlySet<number>
  readonly demands: readonly Demand[]
}

interface Search {
  readonly lists: number
  readonly number: ReadonlyMap<object, number>
  readonly known: Map<string, Body | undefined>
  steps: number
}

/**
 * The question is hard in general (it holds SAT), and lists that people write take some ten steps. After this many the body counts as
 * found: "implies" is then false, and nothing is left out of a policy.
 */
const mostSteps = 10_000
const anyValue: Demand = {}

/** A body that meets all demands and breaks no rule; undefined where there is none. */
export function solve({ rules, lists }: Problem, demands: readonly Demand[]): Body | undefined {
  // bound: one call
  const number = new Map([...rules, ...demands, anyValue].map((each, i) => [each, i]))
  // bound: one call
  const search: Search = { lists, number, known: new Map(), steps: 0 }
  // bound: one call
  const found = valueFor(search, { depth: 0, rules, covered: new Set(), demands })
  return found?.value === unbuilt ? { value: undefined } : found
}

function valueFor(search: Search, node: Node): Body | undefined {
  search.steps++
  if (search.steps > mostSteps) return { value: unbuilt }
  // To remember costs more than a short search.
  if (search.steps < 100) return findValue(search, node)
  const key = keyOf(search, node)
  if (search.known.has(key)) return search.known.get(key)
  const found = findValue(search, node)
  search.known.set(key, found)
  return found
}

function keyOf({ number }: Search, { depth, rules, covered, demands }: Node): string {
  const numbers = (each: readonly object[]): string => each.map(one => number.get(one)).join()
  return [depth, numbers(rules), [...covered].toSorted((a, b) => a - b).join(), numbers(demands)].join(';')
}

function findValue(search: Search, node: Node): Body | undefined {
  const { depth, demands } = node
  const here = node.rules.filter(({ segments }) => segments.length === depth)
  if (here.some(({ forbidden }) => forbidden)) return undefined
  // bound: one call
  const covered = new Set([...node.covered, ...here.map(({ list }) => list)])
  const matchers = here.flatMap(({ matcher = [] }) => matcher)
  const refused = demands.find(({ segments, refused }) => segments?.length === depth && refused)?.refused
  const isDeepest = depth >= maxJsonDepth
  const further = demands.filter(({ segments }) => segments?.length !== depth)
  const leaf = isLeaf({ further, covered, lists: search.lists }) ? leafFor(matchers, { refused, isDeepest }) : undefined
  if (leaf !== undefined || isDeepest) return leaf
  const rules = node.rules.filter(({ segments }) => segments.length > depth)
  const inside: Node = { depth, rules, covered, demands: further }
  // An object fails every matcher.
  if (matchers.length === 0)
    return findObject(search, { ...inside, demands: further.length === 0 ? [anyValue] : further })
  if (!matchers.every(admitsArrays)) return undefined
  const most = Math.min(...matchers.map(({ maxLength = 0 }) => maxLength))
  return findArray(search, inside, { least: Math.max(1, (refused?.maxLength ?? 0) + 1), most })
}

interface Leaf {
  readonly further: readonly Demand[]
  readonly covered: ReadonlySet<number>
  readonly lists: number
}

/** Tells whether the value may be one with nothing beneath it: every condition covers those. */
function isLeaf({ further, covered, lists }: Leaf): boolean {
  if (further.some(({ segments }) => segments !== undefined)) return false
  if (further.some(({ uncovered }) => uncovered) && covered.has(lists)) return false
  for (let list = 0; list < lists; list++) if (!covered.has(list)) return false
  return true
}

/** The value of one member or element; undefined as name: one that no rule names. */
function valueIn(search: Search, node: Node, { name, demands }: Child): Body | undefined {
  const { depth, covered } = node
  const rules = node.rules.filter(({ segments }) => segments[depth] === every || segments[depth] === name)
  return valueFor(search, { depth: depth + 1, rules, covered, demands })
}

interface Child {
  readonly name: string | undefined
  readonly demands: readonly Demand[]
}

/** Demands by the member or element that must meet them, and those that any may meet. */
function sortDemands({ demands, depth }: Node): { groups: Map<string, Demand[]>; free: Demand[] } {
  // bound: one call
  const groups = new Map<string, Demand[]>()
  const free: Demand[] = []
  for (const demand of demands) {
    const name = demand.segments?.[depth] ?? every
    if (name === every) free.push(demand)
    else groups.set(name, [...(groups.get(name) ?? []), demand])
  }
  return { groups, free }
}

function namesIn({ rules, depth }: Node, groups: ReadonlyMap<string, unknown>): Set<string> {
  const names = rules.flatMap(({ segments }) => (segments[depth] === every ? [] : (segments[depth] ?? [])))
  // bound: one call
  return new Set([...names, ...groups.keys()])
}

function findObject(search: Search, node: Node): Body | undefined {
  const { groups, free } = sortDemands(node)
  // No body that is judged has two of one name.
  if (new Set([...groups.keys()].map(foldedName)).size < groups.size) return undefined
  for (const [name, demands] of groups) if (!valueIn(search, node, { name, demands })) return undefined
  const names = namesIn(node, groups)
  // A member of its own meets each demand with the fewest rules.
  const own = free.map(demand => valueIn(search, node, { name: undefined, demands: [demand] }))
  const shared = free.filter((_, i) => own[i] === undefined)
  // bound: one call
  const members = shareMembers(search, node, { names: [...names], groups, free: shared })
  if (members === undefined) return undefined
  // bound: one call
  const taken = new Set([...names].map(foldedName))
  for (const value of own) {
    if (value === undefined) continue
    const name = freshName(taken, i => (i === 0 ? 'other' : `other${i}`))
    taken.add(name)
    members.push([name, value.value])
  }
  return { value: members.some(([, value]) => value === unbuilt) ? unbuilt : Object.fromEntries(members) }
}

interface Sharing {
  readonly names: readonly string[]
  readonly groups: ReadonlyMap<string, readonly Demand[]>
  readonly free: readonly Demand[]
}

/** Gives each demand to a named member that can meet it beside what it must meet already. */
function shareMembers(
  search: Search,
  node: Node,
  { names, groups, free }: Sharing,
): Array<[string, unknown]> | undefined {
  const [demand, ...rest] = free
  if (demand === undefined)
    return [...groups].map(([name, demands]) => [name, valueIn(search, node, { name, demands })?.value])
  const folded = new Map([...groups.keys()].map(name => [foldedName(name), name]))
  for (const name of names) {
    if ((folded.get(foldedName(name)) ?? name) !== name) continue
    const demands = [...(groups.get(name) ?? []), demand]
    if (valueIn(search, node, { name, demands }) === undefined) continue
    // bound: one call
    const found = shareMembers(search, node, { names, groups: new Map(groups).set(name, demands), free: rest })
    if (found !== undefined) return found
  }
  return undefined
}

interface Lengths {
  readonly least: number
  readonly most: number
}

/** An array: every element before one that is demanded exists as well. */
function findArray(search: Search, node: Node, { least, most }: Lengths): Body | undefined {
  const { groups, free } = sortDemands(node)
  const isWithin = (name: string): boolean => (indexOf(name) ?? most) < most
  if (![...groups.keys()].every(isWithin)) return undefined
  const named = [...namesIn(node, groups)].filter(isWithin)
  return shareElements(search, node, { named, groups, free, least, most })
}

interface Elements extends Lengths {
  /** Indices that rules name. */
  readonly named: readonly string[]
  readonly groups: ReadonlyMap<string, readonly Demand[]>
  readonly free: readonly Demand[]
}

function shareElements(search: Search, node: Node, elements: Elements): Body | undefined {
  const { named, groups, free, most } = elements
  const [demand, ...rest] = free
  if (demand === undefined) return fillArray(search, node, elements)
  // bound: one call
  const taken = new Set([...named, ...groups.keys()])
  const next = freshName(taken, String)
  for (const name of [...taken, ...(Number(next) < most ? [next] : [])]) {
    const demands = [...(groups.get(name) ?? []), demand]
    if (valueIn(search, node, { name, demands }) === undefined) continue
    // bound: one call
    const found = shareElements(search, node, { ...elements, groups: new Map(groups).set(name, demands), free: rest })
    if (found !== undefined) return found
  }
  return undefined
}

function fillArray(search: Search, node: Node, { named, groups, least, most }: Elements): Body | undefined {
  const length = Math.max(least, ...[...groups.keys()].map(name => Number(name) + 1))
  if (length > most) return undefined
  const known = new Map<string, unknown>()
  for (const name of new Set([...named, ...groups.keys()])) {
    if (Number(name) >= length) continue
    const found = valueIn(search, node, { name, demands: groups.get(name) ?? [] })
    if (found === undefined) return undefined
    known.set(name, found.value)
  }
  if (known.size === length) return arrayOf(length, known, undefined)
  const other = valueIn(search, node, { name: undefined, demands: [] })
  return other && arrayOf(length, known, other.value)
}

function arrayOf(length: number, known: ReadonlyMap<string, unknown>, other: unknown): Body {
  if (length > longestBuilt || other === unbuilt || [...known.values()].includes(unbuilt)) return { value: unbuilt }
  return { value: Array.from({ length }, (_, i) => known.get(String(i)) ?? other) }
}
