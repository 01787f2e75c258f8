import type {
  ApprovalCondition,
  ArgumentsCondition,
  ChainCondition,
  Condition,
  Conditions,
  ConditionType,
  DataCondition,
} from '@countersign/protocol'
import { bodyOutside, bodyWithin } from './body.js'
import type { Body } from './body-search.js'
import { answerOutside } from './fields.js'
import { momentOf } from './moments.js'
import { commonNames, freshName, type Names, nameOutside } from './names.js'
import { commonPlaces, isPlace, type Places, placeOutside } from './places.js'
import type { ConsideredRequest, Period } from './request.js'

type OfType<T extends ConditionType> = Extract<Condition, { readonly type: T }>

/** An auth token whose `act` is deeper is refused. */
const mostLevels = 5

/** What a list allows, taken apart: but for the resource, on which operations and fields depend, nothing depends on anything else. */
export interface Allowed {
  readonly conditions: Conditions
  readonly places: Places
  readonly scopes: Names
  readonly purposes: Names
  readonly levels: number
  /** Of a chain of one level or more. */
  readonly services: Names
  readonly calls: Readonly<Record<Period, number>>
  /** A request that the list allows. */
  readonly request: ConsideredRequest
}

export function ofType<T extends ConditionType>(conditions: Conditions, type: T): Array<OfType<T>> {
  return conditions.filter((each): each is OfType<T> => each.type === type)
}

/** What a list allows; undefined: nothing. */
export function allowedBy(conditions: Conditions): Allowed | undefined {
  const places = commonPlaces(ofType(conditions, 'resources'))
  const purposes = commonNames(ofType(conditions, 'purposes').map(({ any }) => any))
  const now = momentOf({ until: ofType(conditions, 'until'), inside: ofType(conditions, 'hours') })
  const resource = placeOutside(places)
  const calls = callsIn(conditions)
  const isNever = Object.values(calls).includes(0) || purposes?.size === 0
  if (now === undefined || resource === undefined || isNever) return undefined
  const request: ConsideredRequest = {
    now,
    resource,
    scope: [],
    purposes: purposes && [...purposes].slice(0, 1),
    levels: 0,
    services: [],
    safe: true,
    used: { minute: 0, hour: 0, day: 0, grant: 0 },
    approved: false,
    answer: {},
  }
  const scopes = commonNames(ofType(conditions, 'scopes').map(({ any }) => any))
  return { conditions, places, scopes, purposes, calls, request, ...chainIn(conditions) }
}

function callsIn(conditions: Conditions): Record<Period, number> {
  const calls = { minute: Infinity, hour: Infinity, day: Infinity, grant: Infinity }
  for (const { per, max } of ofType(conditions, 'calls')) calls[per] = Math.min(calls[per], max)
  return calls
}

function chainIn(conditions: Conditions): Pick<Allowed, 'levels' | 'services'> {
  const chains = ofType(conditions, 'chain')
  const services = commonNames(chains.flatMap(({ through }) => (through === undefined ? [] : [through])))
  const levels = Math.min(mostLevels, ...chains.map(({ max }) => max))
  return { levels: services?.size === 0 ? 0 : levels, services }
}

/** A request that the list allows and the condition refuses; undefined where there is none. */
export function requestOutside(allowed: Allowed, condition: Condition): ConsideredRequest | undefined {
  const differing = differenceOf(allowed, condition)
  return differing && { ...allowed.request, ...differing }
}

function differenceOf(allowed: Allowed, condition: Condition): Partial<ConsideredRequest> | undefined {
  const { conditions, places, scopes, calls } = allowed
  switch (condition.type) {
    case 'resources':
      return member('resource', placeOutside(places, condition.any))
    case 'scopes': {
      const scope = nameOutside(scopes, [...condition.any, 'openid'], made('other.scope'))
      return scope === undefined ? undefined : { scope: [scope] }
    }
    case 'purposes':
      return purposesOutside(allowed, condition.any)
    case 'until':
    case 'hours': {
      const asked = { until: ofType(conditions, 'until'), inside: ofType(conditions, 'hours') }
      const bound = condition.type === 'until' ? { from: condition.time } : { outside: condition }
      return member('now', momentOf({ ...asked, ...bound }))
    }
    case 'calls': {
      const { per, max } = condition
      return max < calls[per] ? { used: { ...allowed.request.used, [per]: max } } : undefined
    }
    case 'chain':
      return chainOutside(allowed, condition)
    case 'data':
      return dataOutside(allowed, condition)
    case 'arguments':
      return argumentsOutside(allowed, condition)
    case 'approval':
      return approvalOutside(allowed, condition)
  }
}

function member<K extends 'resource' | 'now'>(
  name: K,
  value: ConsideredRequest[K] | undefined,
): Partial<ConsideredRequest> | undefined {
  return value === undefined ? undefined : { [name]: value }
}

function made(name: string): (i: number) => string {
  return i => (i === 0 ? name : `${name}${i}`)
}

function purposesOutside({ purposes }: Allowed, any: readonly string[]): Partial<ConsideredRequest> | undefined {
  if (purposes === undefined) return { purposes: undefined }
  const purpose = nameOutside(purposes, any, made('other'))
  return purpose === undefined ? undefined : { purposes: [purpose] }
}

function chainOutside(
  { levels, services }: Allowed,
  { max, through }: ChainCondition,
): Partial<ConsideredRequest> | undefined {
  const service = (i: number): string => `https://service${i === 0 ? '' : i}.example`
  const within = nameOutside(services, [], service) ?? service(0)
  if (levels > max) return { levels: max + 1, services: Array.from({ length: max + 1 }, () => within) }
  if (through === undefined || levels === 0) return undefined
  const outside = nameOutside(services, through, service)
  return outside === undefined ? undefined : { levels: 1, services: [outside] }
}

function dataOutside(
  { conditions, places }: Allowed,
  condition: DataCondition,
): Partial<ConsideredRequest> | undefined {
  const { resource } = condition
  if (!isPlace(places, resource)) return undefined
  const same = ofType(conditions, 'data').filter(each => each.resource === resource)
  const answer = answerOutside(same, condition)
  // Whatever the fields are: under `data` only JSON goes out.
  return answer === undefined && same.length > 0 ? undefined : { resource, answer: answer?.value }
}

function argumentsOutside(allowed: Allowed, condition: ArgumentsCondition): Partial<ConsideredRequest> | undefined {
  const { resource, of } = condition
  if (!isPlace(allowed.places, resource)) return undefined
  const same = argumentsOf(allowed, resource, of)
  const body = bodyOutside(same, condition)
  if (body === undefined && same.length > 0) return undefined
  return { resource, safe: false, operation: of, approved: true, body: body?.value }
}

function argumentsOf({ conditions }: Allowed, resource: string, operation: string): ArgumentsCondition[] {
  return ofType(conditions, 'arguments').filter(each => each.resource === resource && each.of === operation)
}

function approvalOutside(allowed: Allowed, condition: ApprovalCondition): Partial<ConsideredRequest> | undefined {
  const { resource } = condition
  if (!isPlace(allowed.places, resource)) return undefined
  const approvals = ofType(allowed.conditions, 'approval').filter(each => each.resource === resource)
  const rules = ofType(allowed.conditions, 'arguments').filter(each => each.resource === resource)
  for (const operation of condition.of === '*' ? operationsIn(approvals, rules) : condition.of) {
    if (approvals.some(({ of }) => of === '*' || of.includes(operation))) continue
    const body = bodyOf(argumentsOf(allowed, resource, operation))
    if (body !== undefined) return { resource, safe: false, operation, approved: false, body: body.value }
  }
  // Under `arguments` or `approval` an unsafe request names its operation.
  return approvals.length + rules.length > 0 ? undefined : { resource, safe: false, operation: undefined }
}

function bodyOf(rules: readonly ArgumentsCondition[]): Body | undefined {
  return rules.length === 0 ? { value: undefined } : bodyWithin(rules)
}

/** All that are named, and one that is not. */
function operationsIn(approvals: readonly ApprovalCondition[], rules: readonly ArgumentsCondition[]): string[] {
  // bound: one call
  const named = new Set([...approvals.flatMap(({ of }) => (of === '*' ? [] : of)), ...rules.map(({ of }) => of)])
  return [freshName(named, made('other')), ...named]
}
