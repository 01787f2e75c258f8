import { wordsOf } from '../shared/identifier.js'
import { isObject, type JsonObject } from '../shared/json.js'
import { badRequest, deniedByPolicy, type Refusal } from '../shared/refusal.js'
import { denied } from './refusals.js'
import { isText } from './values.js'

/** A condition whose shape is right. @see protocol §9.2 */
export interface Condition {
  readonly type: string
  readonly [member: string]: unknown
}

/** What a list is judged by, at an auth server: the token that it is about to issue. */
export interface Facts {
  readonly resource: string
  readonly scope: readonly string[]
  readonly purposes: readonly string[]
  /** The services that it came through, the issued token's agent among them; empty where nobody acted before. */
  readonly services: readonly string[]
  readonly now: number
}

const isInteger = (value: unknown, least: number, most: number = Number.MAX_SAFE_INTEGER): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
const isList = (value: unknown, isOne: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isOne)
const isTime = (value: unknown): boolean => typeof value === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(value)
const isPointer = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 512 && /^(\/([^~]|~[01])*)?$/.test(value)
const isRule = (value: unknown): boolean => isObject(value) && isPointer(value['at'])

const zones: readonly string[] = [...Intl.supportedValuesOf('timeZone'), 'UTC']

/** By type: the members that must be there, those that may, and whether their values are right. */
const shapes: Readonly<
  Record<string, readonly [needed: readonly string[], more: readonly string[], isRight: (one: JsonObject) => boolean]>
> = {
  resources: [['any'], [], ({ any }) => isList(any, isText)],
  scopes: [['any'], [], ({ any }) => isList(any, isText)],
  purposes: [['any'], [], ({ any }) => isList(any, isText)],
  until: [['time'], [], ({ time }) => isInteger(time, 0)],
  hours: [
    ['zone', 'days', 'from', 'to'],
    [],
    ({ zone, days, from, to }) =>
      zones.includes(String(zone)) && isList(days, day => isInteger(day, 1, 7)) && isTime(from) && isTime(to),
  ],
  calls: [
    ['max', 'per'],
    [],
    ({ max, per }) => isInteger(max, 0) && ['minute', 'hour', 'day', 'grant'].includes(String(per)),
  ],
  chain: [
    ['max'],
    ['through'],
    ({ max, through }) => isInteger(max, 0, 5) && (through === undefined || isList(through, isText)),
  ],
  data: [['resource', 'fields'], [], ({ resource, fields }) => isText(resource) && isList(fields, isPointer)],
  arguments: [
    ['resource', 'of', 'where'],
    [],
    ({ resource, of, where }) => isText(resource) && isText(of) && isList(where, isRule),
  ],
  approval: [['resource', 'of'], [], ({ resource, of }) => isText(resource) && (of === '*' || isList(of, isText))],
}

const malformed = (): Refusal => deniedByPolicy('condition_malformed', 'a list of conditions cannot be read')

/** Reads a list of conditions. @throws Refusal for one that is not understood in full */
export function readList(list: unknown, place: 'delegation' | 'constraints'): readonly Condition[] {
  if (list === undefined) return []
  if (!Array.isArray(list)) throw malformed()
  if (list.length > 32) throw malformed()
  if (Buffer.byteLength(JSON.stringify(list)) > 2048) throw malformed()
  for (const one of list as unknown[]) {
    if (!isObject(one)) throw malformed()
    if (typeof one['type'] !== 'string' || !Object.hasOwn(shapes, one['type'])) throw malformed()
    const [needed, more, isRight] = shapes[one['type']] ?? [[], [], () => false]
    const { type: _, ...members } = one
    if (!needed.every(name => name in members)) throw malformed()
    if (!Object.keys(members).every(name => needed.includes(name) || more.includes(name))) throw malformed()
    if (!isRight(members)) throw malformed()
    if (place === 'delegation' && one['type'] === 'calls' && one['per'] === 'grant') throw malformed()
  }
  const read = list as Condition[]
  if (countsOfGrant(read) && !read.some(({ type }) => type === 'until')) throw malformed()
  return read
}

/** Whether calls are counted for the life of a grant. */
export function countsOfGrant(list: readonly Condition[]): boolean {
  return list.some(({ type, per }) => type === 'calls' && per === 'grant')
}

/** Judges the conditions that an auth server judges. @throws Refusal where one does not hold */
export function judgeList(list: readonly Condition[], facts: Facts): void {
  for (const one of list)
    if (!holds(one, facts)) throw denied(`condition_${reasons[one.type]}`, `the condition ${one.type} does not hold`)
}

const reasons: Readonly<Record<string, string>> = {
  resources: 'resource',
  scopes: 'scope',
  purposes: 'purpose',
  until: 'ended',
  hours: 'outside_hours',
  chain: 'chain',
}

function holds(one: Condition, { resource, scope, purposes, services, now }: Facts): boolean {
  const any = (one['any'] ?? []) as readonly string[]
  switch (one.type) {
    case 'resources':
      return any.some(name => isResource(name, resource))
    case 'scopes':
      return scope.every(name => name === 'openid' || any.includes(name))
    case 'purposes':
      return purposes.length > 0 && purposes.every(word => any.includes(word))
    case 'until':
      return now < Number(one['time'])
    case 'hours':
      return isWithin(one, now)
    case 'chain': {
      const through = one['through'] as readonly string[] | undefined
      if (services.length > Number(one['max'])) return false
      return through === undefined || services.every(name => through.includes(name))
    }
    default:
      return true
  }
}

/** Whether the name of a condition, perhaps with `*.`, is this resource. */
function isResource(name: string, resource: string): boolean {
  const [, scheme = '', rest = ''] = /^(https:\/\/)\*(\..+)$/.exec(name) ?? []
  if (rest === '') return name === resource
  return resource.startsWith(scheme) && resource.endsWith(rest) && resource.length > scheme.length + rest.length
}

/** Whether the wall clock of the zone shows a time of the window. */
function isWithin({ zone, days, from, to }: Condition, now: number): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: String(zone),
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now * 1000)
  const partOf = (type: string): string => parts.find(part => part.type === type)?.value ?? ''
  const time = `${partOf('hour')}:${partOf('minute')}`
  const day = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(partOf('weekday')) + 1
  const isListed = (one: number): boolean => (days as readonly number[]).includes(one)
  const [begin, end] = [String(from), String(to)]
  if (begin < end) return isListed(day) && begin <= time && time < end
  return (isListed(day) && begin <= time) || (isListed(day === 1 ? 7 : day - 1) && time < end)
}

/** The last moment for which a token may be issued under a list; at most `latest`. */
export function lastMoment(list: readonly Condition[], now: number, latest: number): number {
  let last = latest
  for (const one of list) {
    if (one.type === 'until') last = Math.min(last, Number(one['time']))
    if (one.type !== 'hours') continue
    const minute = now - (now % 60)
    for (let at = minute + 60; at < last; at += 60) if (!isWithin(one, at)) last = at
  }
  return last
}

/** What goes into a token for this resource: where nothing is passed on, `resources` names it alone. */
export function narrowed(list: readonly Condition[], resource: string): readonly Condition[] {
  const isLast = list.some(({ type, max }) => type === 'chain' && max === 0)
  return list.map(one => (isLast && one.type === 'resources' ? { ...one, any: [resource] } : one))
}

/** Reads the purposes of a request: words that the resource publishes. @throws Refusal */
export function readPurposes(text: string | undefined, published: unknown): readonly string[] {
  if (text === undefined) return []
  const wrong = badRequest('purposes_invalid', 'purposes must be words that the resource publishes, each once')
  const words = wordsOf(text, 128)
  if (words === undefined) throw wrong
  if (!words.every(word => Object.hasOwn(Object(published), word))) throw wrong
  return words
}
