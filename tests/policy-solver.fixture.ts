import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ArgumentRule, Condition, Conditions } from '@countersign/conditions'

// The protocol's conditions as formulas for Z3, over a universe that is small and holds what the conditions of the test can tell apart.

/**
 * Adds the formulas of each question one by one, and says after each whether those so far can be met: `sat` or `unsat`, all in their
 * order.
 */
export async function solve(questions: ReadonlyArray<readonly string[]>): Promise<string[]> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('policy-solver.fixture.mjs', import.meta.url))])
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', chunk => out.push(chunk))
  child.stderr.on('data', chunk => err.push(chunk))
  const ended = new Promise<number | null>(resolve => child.on('close', resolve))
  child.stdin.end(JSON.stringify({ declarations: declarations(), questions }))
  const code = await ended
  if (code !== 0) throw new Error(Buffer.concat(err).toString())
  const answers = Buffer.concat(out).toString().trim().split('\n')
  const failed = answers.find(answer => answer !== 'sat' && answer !== 'unsat')
  if (failed !== undefined) throw new Error(`Z3 says ${failed}`)
  return answers
}

export const resource = 'https://b.a.example'
const resources = [
  'https://a.example',
  resource,
  'https://x.a.example',
  'https://x.b.a.example',
  'https://ba.example',
  'https://other.example',
]
const operations = ['none', 'send', 'read', 'other']
const services = ['https://other.example', 'https://m.example', 'https://n.example']
const names = ['read', 'send', 'openid', 'other']
/** In each of these seconds another `until` has just ended. */
const moments = [0, 50, 60, 4_000_000_000, 5_000_000_000]
const zones = {
  UTC: 'utc',
  'Asia/Kolkata': 'india',
  'America/New_York': 'america',
  'Europe/Paris': 'europe',
  'Europe/Berlin': 'europe',
}
const periods = ['minute', 'hour', 'day', 'grant']
const strings = ['', 'x', 'xy', 'xyz', 'q', 'qq', 'qqq']
const numbers = [0, 1, 1.5, 2, 2.5, 3, 4]
const segments = ['a', 'b', '0', '1', 'z']
const indices = ['0', '1']

type Path = readonly string[]

/** Every place of a JSON text of two levels: members or, where the names are 0 and 1, elements. */
const paths: readonly Path[] = [[], ...segments.map(a => [a]), ...segments.flatMap(a => segments.map(b => [a, b]))]

const kinds = { absent: 0, string: 1, number: 2, null: 3, true: 4, object: 5, array: 6 }

const and = (terms: readonly string[]): string => (terms.length === 0 ? 'true' : `(and ${terms.join(' ')})`)
const or = (terms: readonly string[]): string => (terms.length === 0 ? 'false' : `(or ${terms.join(' ')})`)
const not = (term: string): string => `(not ${term})`
const then = (condition: string, term: string): string => `(=> ${condition} ${term})`
const ite = (condition: string, term: string, otherwise: string): string => `(ite ${condition} ${term} ${otherwise})`

/** How many bits the number has that tells the days, the minutes of a day, or the members of one of the lists above apart. */
const wide = { day: 3, time: 11, other: 3 }
const bits = (value: number, width = wide.other): string => `#b${value.toString(2).padStart(width, '0')}`
const is = (variable: string, value: number, width = wide.other): string => `(= ${variable} ${bits(value, width)})`
const isBelow = (variable: string, value: number, width = wide.other): string =>
  `(bvult ${variable} ${bits(value, width)})`

type Tree = 'answer' | 'body'

const named = (tree: Tree, path: Path): string => [tree, ...path].join('_')
const isKind = (tree: Tree, path: Path, what: keyof typeof kinds): string => is(`k_${named(tree, path)}`, kinds[what])
const isThere = (tree: Tree, path: Path): string => not(isKind(tree, path, 'absent'))
const children = (path: Path): Path[] => (path.length === 2 ? [] : segments.map(name => [...path, name]))
const isElement = (tree: Tree, path: Path): string =>
  path.length === 0 ? 'false' : isKind(tree, path.slice(0, -1), 'array')

function declarations(): string {
  const lists = ['now', 'resource', 'operation', 'levels', ...[1, 2, 3, 4, 5].map(i => `service_${i}`)]
  const numbers = [...lists, ...periods.map(per => `used_${per}`), ...bothTrees('k'), ...bothTrees('v')]
  const facts = ['safe', 'approved', 'has_purposes', 'is_json_body', 'is_json_answer', ...seasons]
  const bools = [...facts, ...names.flatMap(name => [`scope_${name}`, `purpose_${name}`])]
  const places = [...new Set(Object.values(zones))]
  return [
    '(set-logic QF_FD)',
    ...numbers.map(name => declared(name, wide.other)),
    ...places.flatMap(place => [declared(`day_${place}`, wide.day), declared(`time_${place}`, wide.time)]),
    ...bools.map(name => `(declare-const ${name} Bool)`),
    `(assert ${and([
      isBelow('now', moments.length),
      isBelow('resource', resources.length),
      isBelow('operation', operations.length),
      isBelow('levels', 6),
      ...[1, 2, 3, 4, 5].map(i => isBelow(`service_${i}`, services.length)),
      then('has_purposes', or(names.map(name => `purpose_${name}`))),
      ...clocks(),
      form('answer'),
      form('body'),
    ])})`,
  ].join('\n')
}

function declared(name: string, width: number): string {
  return `(declare-const ${name} (_ BitVec ${width}))`
}

function bothTrees(letter: string): string[] {
  return (['answer', 'body'] as const).flatMap(tree => paths.map(path => `${letter}_${named(tree, path)}`))
}

/** In America summer begins before that of Europe and ends after it, each by a week or more. */
const seasons = ['summer_in_europe', 'summer_in_america']

/** What clocks show, by how many minutes they are ahead of UTC. */
function clocks(): string[] {
  const [inEurope = '', inAmerica = ''] = seasons
  return [
    isBelow('day_utc', 7),
    isBelow('time_utc', 1440, wide.time),
    // In 1970 it was Thursday, and winter; later each time of the week comes in each season.
    then(
      isBelow('now', moments.indexOf(60)),
      and([is('day_utc', 3), is('time_utc', 0, wide.time), not(inEurope), not(inAmerica)]),
    ),
    then(inEurope, inAmerica),
    clock('india', 330),
    then(inEurope, clock('europe', 120)),
    then(not(inEurope), clock('europe', 60)),
    then(inAmerica, clock('america', -240)),
    then(not(inAmerica), clock('america', -300)),
  ]
}

function clock(place: string, ahead: number): string {
  const [day, time] = [`day_${place}`, `time_${place}`]
  const sum = `(bvadd time_utc ${bits((ahead + 2048) % 2048, wide.time)})`
  const tomorrow = ite(is('day_utc', 6), bits(0), `(bvadd day_utc ${bits(1)})`)
  const yesterday = ite(is('day_utc', 0), bits(6), `(bvsub day_utc ${bits(1)})`)
  const [isOther, other, minutes] =
    ahead < 0
      ? [isBelow('time_utc', -ahead, wide.time), yesterday, 1440]
      : [not(isBelow('time_utc', 1440 - ahead, wide.time)), tomorrow, 2048 - 1440]
  return and([
    `(= ${day} ${ite(isOther, other, 'day_utc')})`,
    `(= ${time} ${ite(isOther, `(bvadd ${sum} ${bits(minutes, wide.time)})`, sum)})`,
  ])
}

/** One JSON text. */
function form(tree: Tree): string {
  return and([
    tree === 'answer' ? or([isKind(tree, [], 'object'), isKind(tree, [], 'array')]) : isThere(tree, []),
    ...paths.flatMap(path => {
      const inside = children(path)
      return [
        not(is(`k_${named(tree, path)}`, 7)),
        not(is(`v_${named(tree, path)}`, 7)),
        ...inside.map(child =>
          then(isThere(tree, child), or([isKind(tree, path, 'object'), isKind(tree, path, 'array')])),
        ),
        ...inside
          .filter(child => !indices.includes(child.at(-1) ?? ''))
          .map(child => then(isKind(tree, path, 'array'), not(isThere(tree, child)))),
        ...inside
          .filter(child => child.at(-1) === '1')
          .map(child => then(and([isKind(tree, path, 'array'), isThere(tree, child)]), isThere(tree, [...path, '0']))),
      ]
    }),
  ])
}

/** A request that all of these allow. */
export function allowed(conditions: Conditions): string {
  return and(conditions.map(holds))
}

/** A request that these do not all allow. */
export function refused(conditions: Conditions): string {
  return not(allowed(conditions))
}

function holds(condition: Condition): string {
  switch (condition.type) {
    case 'resources':
      return or(
        resources.flatMap((id, i) => (condition.any.some(entry => isListed(id, entry)) ? [is('resource', i)] : [])),
      )
    case 'scopes':
      return and(
        names.filter(name => name !== 'openid' && !condition.any.includes(name)).map(name => not(`scope_${name}`)),
      )
    case 'purposes':
      return and([
        'has_purposes',
        ...names.filter(name => !condition.any.includes(name)).map(name => not(`purpose_${name}`)),
      ])
    case 'until':
      return isBelow('now', moments.indexOf(condition.time))
    case 'hours':
      return inWindow(condition)
    case 'calls':
      return isBelow(`used_${condition.per}`, condition.max)
    case 'chain':
      return and([
        isBelow('levels', condition.max + 1),
        ...(condition.through === undefined
          ? []
          : [1, 2, 3, 4, 5].map(i =>
              then(
                not(isBelow('levels', i)),
                or((condition.through ?? []).map(id => is(`service_${i}`, services.indexOf(id)))),
              ),
            )),
      ])
    case 'data':
      return here(and(['is_json_answer', ...paths.map(path => isShown(path, condition.fields.map(segmentsIn)))]))
    case 'arguments':
      return here(
        and([
          then(is('operation', 0), 'safe'),
          then(is('operation', operations.indexOf(condition.of)), isMet(condition.where)),
        ]),
      )
    case 'approval':
      return here(
        and([
          then(is('operation', 0), 'safe'),
          ...[1, 2, 3]
            .filter(i => condition.of === '*' || condition.of.includes(operations[i] ?? ''))
            .map(i => then(is('operation', i), 'approved')),
        ]),
      )
  }
}

function isListed(id: string, entry: string): boolean {
  const [, below] = /^https:\/\/\*(\..*)$/.exec(entry) ?? []
  return below === undefined ? id === entry : new URL(id).hostname.endsWith(below)
}

function here(term: string): string {
  return then(is('resource', resources.indexOf(resource)), term)
}

function inWindow({ zone, days, from, to }: Extract<Condition, { type: 'hours' }>): string {
  const place = zones[zone as keyof typeof zones]
  const [begin = 0, end = 0] = [from, to].map(time => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)))
  const isAfter = not(isBelow(`time_${place}`, begin, wide.time))
  const isBefore = isBelow(`time_${place}`, end, wide.time)
  const today = or(days.map(day => is(`day_${place}`, day - 1)))
  if (begin < end) return and([today, isAfter, isBefore])
  // Into the next day.
  const theDayBefore = or(days.map(day => is(`day_${place}`, day % 7)))
  return or([and([today, isAfter]), and([theDayBefore, isBefore])])
}

function segmentsIn(pointer: string): Path {
  return pointer.split('/').slice(1)
}

function fits(pattern: Path, path: Path): boolean {
  return pattern.every((segment, i) => i >= path.length || segment === '*' || segment === path[i])
}

function leadsAround(patterns: readonly Path[], path: Path): boolean {
  return patterns.some(pattern => pattern.length <= path.length && fits(pattern, path))
}

/** What goes out of an answer stays as it is. */
function isShown(path: Path, patterns: readonly Path[]): string {
  if (leadsAround(patterns, path)) return 'true'
  const isGone = or([
    isKind('answer', path, 'absent'),
    and([isKind('answer', path, 'null'), isElement('answer', path)]),
  ])
  if (!patterns.some(pattern => fits(pattern, path))) return isGone
  return or([isGone, isKind('answer', path, 'object'), isKind('answer', path, 'array')])
}

function isMet(where: readonly ArgumentRule[]): string {
  const patterns = where.map(({ at }) => segmentsIn(at))
  const bare = paths.filter(path => !leadsAround(patterns, path)).map(path => not(isLeaf(path)))
  return and(['is_json_body', ...bare, ...where.flatMap(rule => ruleHolds(rule))])
}

function isLeaf(path: Path): string {
  return and([isThere('body', path), ...children(path).map(child => not(isThere('body', child)))])
}

function ruleHolds(rule: ArgumentRule): string[] {
  if (Object.keys(rule).length === 1) return []
  const pattern = segmentsIn(rule.at)
  const at = paths.filter(path => path.length === pattern.length && fits(pattern, path))
  return [
    or(at.map(path => isThere('body', path))),
    ...at.map(path => then(isThere('body', path), matches(rule, path))),
  ]
}

function matches(rule: ArgumentRule, path: Path): string {
  const value = `v_${named('body', path)}`
  const among = <T>(values: readonly T[], test: (value: T) => boolean): string =>
    or(values.flatMap((each, i) => (test(each) ? [is(value, i)] : [])))
  const isString = (test: (text: string) => boolean): string =>
    and([isKind('body', path, 'string'), among(strings, test)])
  const isNumber = (test: (one: number) => boolean): string =>
    and([isKind('body', path, 'number'), among(numbers, test)])
  if (rule.in !== undefined)
    return or(
      rule.in.map(each => {
        if (typeof each === 'number') return isNumber(one => one === each)
        return typeof each === 'string'
          ? isString(text => text === each)
          : isKind('body', path, each === null ? 'null' : 'true')
      }),
    )
  const { min, max, prefix, maxLength = 0 } = rule
  if (min !== undefined) return isNumber(one => one >= min)
  if (max !== undefined) return isNumber(one => one <= max)
  if (prefix !== undefined) return isString(text => text.startsWith(prefix))
  const longer = path.length === 2 ? [] : indices.slice(maxLength)
  const isShort = and([isKind('body', path, 'array'), ...longer.map(index => not(isThere('body', [...path, index])))])
  return or([isString(text => text.length <= maxLength), isShort])
}
