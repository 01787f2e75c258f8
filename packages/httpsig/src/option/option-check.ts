import { nearestName } from './nearest-name.js'

/**
 * The check of one option:
 * a JavaScript type (`number` refuses NaN and negative numbers with a `RangeError`; `strings` is an array of strings; `any` is any value);
 * an array of the allowed values;
 * an object with the checks of its members;
 * or a function that throws {@link wrongOption}.
 */
export type OptionCheck =
  | ('any' | 'array' | 'boolean' | 'function' | 'number' | 'object' | 'string' | 'strings')
  | readonly (boolean | number | string)[]
  | OptionMembers
  | (((value: unknown, place: OptionPlace) => void) & {
      readonly refusesUndefined?: true
      /** The check of a value that is not undefined; the function checks nothing else. */
      readonly given?: OptionCheck
    })

/** The checks of the members of an object, by name. */
export interface OptionMembers {
  readonly [member: string]: OptionCheck
}

/** A check for every member of an options object. */
export type OptionChecks<T> = { readonly [K in keyof Required<T>]: OptionCheck }

/** The place of an option, for messages. */
export interface OptionPlace {
  /** The function that takes it, such as `guard`. */
  readonly taker: string
  /** The path of the option, such as `limits.perAgent`; empty for the whole object. */
  readonly path: string
}

/**
 * Checks one value; for use in checks that are functions.
 * @throws TypeError
 */
// unchecked options check and place: it is a part of the check itself
export function checkOption(value: unknown, check: OptionCheck, place: OptionPlace): void {
  if (isPlainly(value, check)) return
  if (typeof check === 'function') check(value, place)
  else if (typeof check === 'string') throw wrongType(value, check, place)
  else if (isChoice(check)) throw wrongChoice(value, check, place)
  else checkMembers(value, check, place)
}

/** Checks each element of an array. */
// unchecked options check: it is a part of the check itself
export function each(check: OptionCheck): OptionCheck {
  return (value, place) => {
    if (!Array.isArray(value)) throw wrongOption(place, 'an array')
    value.forEach((element, index) => {
      checkOption(element, check, { ...place, path: `${place.path}[${index}]` })
    })
  }
}

/** Checks each value of an object with any names of members. */
// unchecked options check: it is a part of the check itself
export function eachMember(check: OptionCheck): OptionCheck {
  return (value, place) => {
    if (!isRecord(value)) throw wrongOption(place, 'an object')
    for (const [member, one] of Object.entries(value)) checkOption(one, check, memberPlace(place, member))
  }
}

/**
 * A member that restricts access. When it is present and `undefined`, as after the slip `config.agnets`, it is refused: taken as left
 * out, it would admit every caller.
 */
// unchecked options check: it is a part of the check itself
export function restriction(check: OptionCheck): OptionCheck {
  const given = (value: unknown, place: OptionPlace): void => {
    if (value === undefined)
      throw new TypeError(`${place.taker}: option '${place.path}' is undefined; leave it out, or give it a value`)
    checkOption(value, check, place)
  }
  return Object.assign(given, { refusesUndefined: true, given: check } as const)
}

/** Checks the members of an object, and any other value with `other`. */
// unchecked options other: it is a part of the check itself
export function objectOr(members: OptionMembers, other: OptionCheck): OptionCheck {
  return (value, place) => checkOption(value, isRecord(value) ? members : other, place)
}

/** Makes the error of a check. `must` says what the option must be, and never contains its value, which may be a secret. */
// unchecked options place: it is a part of the check itself
export function wrongOption(place: OptionPlace, must: string): TypeError {
  return new TypeError(messageOf(place, must))
}

function messageOf({ taker, path }: OptionPlace, must: string): string {
  return `${taker}: ${path === '' ? 'its options' : `option '${path}'`} must be ${must}`
}

function checkMembers(options: unknown, checks: OptionMembers, place: OptionPlace): void {
  if (!isRecord(options)) throw wrongOption(place, 'an object')
  // Inherited members are checked, too, since they are read.
  for (const member in options) {
    const check = Object.hasOwn(checks, member) ? checks[member] : undefined
    if (check === undefined) throw unknownOption(member, Object.keys(checks), place)
    const value = options[member]
    // Options are checked at each request: the path is only built for a message.
    if (value === undefined ? refusesUndefined(check) : !isPlainly(value, check))
      checkOption(value, check, memberPlace(place, member))
  }
}

/** Whether a value passes a check that does not look at members. */
function isPlainly(value: unknown, check: OptionCheck): boolean {
  if (typeof check === 'string') return isOfType(value, check)
  if (typeof check === 'function')
    return check.given !== undefined && value !== undefined && isPlainly(value, check.given)
  return isChoice(check) && (check as readonly unknown[]).includes(value)
}

function refusesUndefined(check: OptionCheck): boolean {
  return typeof check === 'function' && check.refusesUndefined === true
}

function unknownOption(member: string, known: readonly string[], place: OptionPlace): TypeError {
  const meant = nearestName(member, known)
  const more = meant === undefined ? ` (options are ${known.join(', ')})` : `; did you mean '${meant}'?`
  return new TypeError(`${place.taker}: unknown option '${memberPlace(place, member).path}'${more}`)
}

type OptionType = Extract<OptionCheck, string>

function isOfType(value: unknown, type: OptionType): boolean {
  if (type === 'any') return true
  // NaN and -1 would make every comparison with a limit false, or true.
  if (type === 'number') return typeof value === 'number' && value >= 0
  if (type === 'array') return Array.isArray(value)
  if (type === 'strings') return Array.isArray(value) && value.every(element => typeof element === 'string')
  if (type === 'object') return (typeof value === 'object' && value !== null) || typeof value === 'function'
  return typeof value === type
}

function wrongType(value: unknown, type: OptionType, place: OptionPlace): Error {
  const must = descriptions[type]
  if (type === 'number' && typeof value === 'number')
    return new RangeError(`${messageOf(place, must)}, not ${String(value)}`)
  return wrongOption(place, `${must}, not ${kindOf(value)}`)
}

const descriptions = {
  any: 'anything',
  array: 'an array',
  boolean: 'true or false',
  function: 'a function',
  number: 'a number, 0 or more',
  object: 'an object',
  string: 'a string',
  strings: 'an array of strings',
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'such an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function wrongChoice(value: unknown, choices: readonly unknown[], place: OptionPlace): TypeError {
  const [last, ...others] = choices.map(choice => JSON.stringify(choice)).reverse()
  const list = others.length === 0 ? last : `${others.reverse().join(', ')} or ${last}`
  const names = choices.filter(choice => typeof choice === 'string')
  const meant = typeof value === 'string' ? nearestName(value, names) : undefined
  return wrongOption(place, `${list}${meant === undefined ? '' : `; did you mean '${meant}'?`}`)
}

function isChoice(check: OptionCheck): check is readonly (boolean | number | string)[] {
  return Array.isArray(check)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function memberPlace(place: OptionPlace, member: string): OptionPlace {
  // A name read from a file may have any length.
  const name = member.length > 64 ? `${member.slice(0, 64)}…` : member
  return { ...place, path: place.path === '' ? name : `${place.path}.${name}` }
}
