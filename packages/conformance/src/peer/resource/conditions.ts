import { isIdentifier, wordsOf } from '../shared/identifier.js'
import { isObject, isTexts, type JsonObject } from '../shared/json.js'
import { deniedByPolicy, type Refusal } from '../shared/refusal.js'
import { hoursHold, isHours } from './hours.js'
import { isPointer } from './pointers.js'

/** A condition whose form has been checked. @see protocol §9.1 */
export interface Condition extends JsonObject {
  readonly type: string
}

/** The types that every route enforces. */
export const enforced = [
  'resources',
  'scopes',
  'purposes',
  'until',
  'hours',
  'calls',
  'chain',
  'data',
  'arguments',
  'approval',
] as const

const isInteger = (value: unknown, least: number, most: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
const isFilled = (value: unknown, is: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(is)
const isWord = (value: unknown): boolean => wordsOf(value, 128)?.length === 1
const isHost = (value: unknown): boolean => isIdentifier(String(value).replace(/^https:\/\/\*\./, 'https://'))
const isScalar = (value: unknown): boolean => value === null || ['string', 'number', 'boolean'].includes(typeof value)

/** The members of each type, and their form. A name with `?` may be absent. */
const forms: Readonly<Record<string, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  resources: { any: value => isFilled(value, isHost) },
  scopes: { any: value => isFilled(value, one => wordsOf(one)?.length === 1) },
  purposes: { any: value => isFilled(value, isWord) },
  until: { time: value => isInteger(value, 0, Number.MAX_SAFE_INTEGER) },
  hours: isHours,
  calls: {
    max: value => isInteger(value, 0, Number.MAX_SAFE_INTEGER),
    per: value => ['minute', 'hour', 'day', 'grant'].includes(String(value)),
  },
  chain: { max: value => isInteger(value, 0, 5), 'through?': value => isFilled(value, isIdentifier) },
  data: { resource: isIdentifier, fields: value => isFilled(value, isPointer) },
  arguments: { resource: isIdentifier, of: isWord, where: value => isFilled(value, isRule) },
  approval: { resource: isIdentifier, of: value => value === '*' || isFilled(value, isWord) },
}

const matchers: Readonly<Record<string, (value: unknown) => boolean>> = {
  in: value => isFilled(value, isScalar),
  min: Number.isFinite,
  max: Number.isFinite,
  prefix: value => typeof value === 'string',
  maxLength: value => isInteger(value, 0, Number.MAX_SAFE_INTEGER),
}

function isRule(rule: unknown): boolean {
  if (!isObject(rule)) return false
  const { at, ...matching } = rule
  const [[name, value] = ['', undefined], ...more] = Object.entries(matching)
  if (!isPointer(at) || more.length > 0) return false
  return Object.keys(matching).length === 0 || matchers[name]?.(value) === true
}

function malformed(text: string): Refusal {
  return deniedByPolicy('condition_malformed', text)
}

/** Reads the list of a token; an absent one holds. @throws Refusal */
export function readConditions(list: unknown, isDelegation: boolean): readonly Condition[] {
  if (list === undefined) return []
  if (!Array.isArray(list)) throw malformed('the list of conditions is no array')
  if (list.length > 32) throw malformed('the list has over 32 conditions')
  if (Buffer.byteLength(JSON.stringify(list)) > 2048) throw malformed('the list has over 2 KiB')
  const conditions = list.map(one => readCondition(one, isDelegation))
  const hasEnd = conditions.some(({ type }) => type === 'until')
  if (conditions.some(({ per }) => per === 'grant') && !hasEnd) throw malformed('calls of a grant need an `until`')
  return conditions
}

function readCondition(condition: unknown, isDelegation: boolean): Condition {
  if (!isObject(condition)) throw malformed('a condition is no object')
  const { type, ...members } = condition
  const form = typeof type === 'string' ? Object.entries(forms).find(([name]) => name === type)?.[1] : undefined
  if (form === undefined) throw malformed('the type of a condition is unknown')
  const names = Object.keys(form).map(name => name.replace('?', ''))
  if (Object.keys(members).some(name => !names.includes(name))) throw malformed(`\`${type}\` has an unknown member`)
  for (const [name, is] of Object.entries(form)) {
    const value = members[name.replace('?', '')]
    if (value === undefined && name.endsWith('?')) continue
    if (!is(value)) throw malformed(`\`${name}\` of \`${type}\` is missing or malformed`)
  }
  if (isDelegation && members['per'] === 'grant') throw malformed('a delegation has calls of a grant')
  return { ...members, type: String(type) }
}

/** What conditions are judged by. */
export interface Facts {
  readonly now: number
  /** The resource. */
  readonly self: string
  /** The scopes that the request needs. */
  readonly scopes: readonly string[]
  readonly claims: JsonObject
}

const reasons: ReadonlyArray<
  readonly [type: string, reason: string, holds: (one: Condition, facts: Facts) => boolean]
> = [
  ['until', 'condition_ended', ({ time }, { now }) => now < Number(time)],
  ['hours', 'condition_outside_hours', (one, { now }) => hoursHold(one, now)],
  ['resources', 'condition_resource', ({ any }, { self }) => isTexts(any) && any.some(name => isBelow(self, name))],
  ['scopes', 'condition_scope', ({ any }, { scopes }) => scopes.every(name => name === 'openid' || has(any, name))],
  [
    'purposes',
    'condition_purpose',
    ({ any }, { claims }) => wordsOf(claims['purposes'])?.every(name => has(any, name)) === true,
  ],
  ['chain', 'condition_chain', (one, { claims }) => chainHolds(one, claims)],
]

const has = (list: unknown, one: string): boolean => isTexts(list) && list.includes(one)

/** Judges what the head of a request shows; the first that fails answers. @see protocol §9.3 */
export function judgeConditions(conditions: readonly Condition[], facts: Facts, only?: readonly string[]): void {
  for (const [type, reason, holds] of reasons) {
    const judged = conditions.filter(one => one.type === type && (only === undefined || only.includes(type)))
    if (!judged.every(one => holds(one, facts))) throw deniedByPolicy(reason, `the condition \`${type}\` does not hold`)
  }
}

function isBelow(self: string, name: string): boolean {
  if (!name.startsWith('https://*.')) return self === name
  return self.startsWith('https://') && self.slice('https://'.length).endsWith(name.slice('https://*'.length))
}

/** The services are the caller and every agent before it but the first. */
function chainHolds({ max, through }: Condition, { agent, act }: JsonObject): boolean {
  const before: unknown[] = []
  for (let one = act; isObject(one); one = one['act']) before.push(one['agent'])
  if (before.length > Number(max)) return false
  const services = before.length === 0 ? [] : [agent, ...before.slice(0, -1)]
  return through === undefined || services.every(name => has(through, String(name)))
}

/** The conditions of a type that are about this resource. */
export function ownConditions(conditions: readonly Condition[], type: string, self: string): readonly Condition[] {
  return conditions.filter(one => one.type === type && one['resource'] === self)
}
