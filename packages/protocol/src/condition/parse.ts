import { refusal } from '../error.js'
import { checkOptions, type OptionChecks } from '../internal/check-options.js'
import { freezeJson } from '../internal/freeze-json.js'
import { isObject } from '../token/jws.js'
import {
  type Condition,
  type ConditionOptions,
  type Conditions,
  type ConditionType,
  conditionTypes,
} from './condition.js'
import {
  identifier,
  integer,
  name,
  number,
  pointer,
  resourceName,
  type Shape,
  type ShapeOptions,
  scalar,
  someOf,
  text,
  timeOfDay,
} from './shape.js'
import { isZone } from './zone.js'

/** The most conditions of a list. @see protocol §9 */
export const maxConditions = 32

/** The most bytes of a list, as compact JSON. @see protocol §9 */
export const maxConditionBytes: number = 2 * 1024

const integerLimit = Number.MAX_SAFE_INTEGER

/** The members of a kind of condition; those that may be missing stand apart. */
interface Members {
  readonly required: Readonly<Record<string, Shape>>
  readonly optional?: Readonly<Record<string, Shape>>
}

const isPeriod: Shape = value => ['minute', 'hour', 'day', 'grant'].includes(value as string)

const rule: Members = {
  required: { at: pointer },
  optional: {
    in: someOf(scalar),
    min: number,
    max: number,
    prefix: text,
    maxLength: integer(0, integerLimit),
  },
}

/** One matcher at most: a rule with two could be read as "either" by another reader. */
const isRule: Shape = (value, o) => isObject(value) && hasMembers(value, rule, o) && Object.keys(value).length <= 2

const membersOf: Readonly<Record<ConditionType, Members>> = {
  resources: { required: { any: someOf(resourceName) } },
  scopes: { required: { any: someOf(name) } },
  purposes: { required: { any: someOf(name) } },
  until: { required: { time: integer(0, integerLimit) } },
  hours: { required: { zone: isZone, days: someOf(integer(1, 7)), from: timeOfDay, to: timeOfDay } },
  calls: { required: { max: integer(0, integerLimit), per: isPeriod } },
  chain: { required: { max: integer(0, 5) }, optional: { through: someOf(identifier) } },
  data: { required: { resource: identifier, fields: someOf(pointer) } },
  arguments: { required: { resource: identifier, of: name, where: someOf(isRule) } },
  approval: { required: { resource: identifier, of: (value, o) => value === '*' || someOf(name)(value, o) } },
}

const checks: OptionChecks<ConditionOptions> = { development: 'boolean', delegation: 'boolean' }

/**
 * Reads a list of conditions: `delegation` of an agent token, `constraints` of an auth token, or what an operator or user has chosen.
 * @param value what JSON holds; an absent claim is not for this function
 * @returns the conditions, frozen; `[]` always holds
 * @throws AAuthError `policy_denied` for what is no list, holds an unknown type or member or a wrong shape, is too long, or has `calls` per
 * `grant` without an `until`
 * @see protocol §9
 * @example
 * ```ts
 * import { parseConditions } from '@countersign/protocol'
 *
 * const conditions = parseConditions([{ type: 'until', time: 1767225600 }])
 * ```
 */
export function parseConditions(value: unknown, o: ConditionOptions = {}): Conditions {
  checkOptions('parseConditions', o, checks)
  const { development = false, delegation = false } = o
  if (!Array.isArray(value)) throw refusal('condition_malformed', { about: 'conditions must be an array' })
  if (value.length > maxConditions) throw refusal('condition_malformed', { about: 'a list has at most 32 conditions' })
  const conditions = value.map(entry => parseCondition(entry, { development }))
  checkGrantCalls(conditions, delegation)
  const json = JSON.stringify(conditions)
  if (byteLength(json) > maxConditionBytes)
    throw refusal('condition_malformed', { about: 'conditions take at most 2 KiB of compact JSON' })
  // A copy: what was checked must not change under the caller's hands, nor be frozen in them.
  return freezeJson(JSON.parse(json) as Conditions)
}

/** Without an end, the count of a grant would have to be kept for ever; an agent token has no grant that could be counted by. */
function checkGrantCalls(conditions: Conditions, isDelegation: boolean): void {
  if (!conditions.some(condition => condition.type === 'calls' && condition.per === 'grant')) return
  if (isDelegation) throw refusal('condition_malformed', { about: 'a delegation has no calls per grant' })
  if (!conditions.some(({ type }) => type === 'until'))
    throw refusal('condition_malformed', { about: 'calls per grant need an until' })
}

function parseCondition(value: unknown, o: ShapeOptions): Condition {
  if (!isObject(value)) throw refusal('condition_malformed', { about: 'each condition must be an object' })
  const { type, ...rest } = value
  const known = conditionTypes.find(each => each === type)
  // A condition that is not understood cannot be judged: to ignore it would widen the policy.
  if (known === undefined)
    throw refusal('condition_malformed', { about: 'a condition has a type that is not known here' })
  if (!hasMembers(rest, membersOf[known], o))
    throw refusal('condition_malformed', { about: `a condition of type ${known}` })
  return value as unknown as Condition
}

/** Exactly the members of a table, each of its shape: a misspelt restriction would be ignored. */
function hasMembers(value: Readonly<Record<string, unknown>>, members: Members, o: ShapeOptions): boolean {
  const { required, optional = {} } = members
  const isKnown = (member: string): boolean => Object.hasOwn(required, member) || Object.hasOwn(optional, member)
  return (
    Object.keys(required).every(member => Object.hasOwn(value, member)) &&
    Object.entries(value).every(
      ([member, held]) => isKnown(member) && (required[member] ?? optional[member])?.(held, o) === true,
    )
  )
}

/** UTF-8 bytes of a text. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}
