import { checkOption, type OptionChecks, type OptionMembers } from './option-check.js'

/** Frozen options that have passed, and their checks: options that are used for every request are checked once. */
const passed = new WeakMap<object, OptionMembers>()

/**
 * Refuses unknown members and wrong values in an options object: a misspelt restriction would be ignored.
 * A member that is undefined counts as left out, unless it is a {@link restriction}. In browsers only names are checked.
 * @param taker the function that takes the options, for the message
 * @param required names of members that must not be left out
 * @throws TypeError that names the member, and for an unknown one the name that was probably meant; RangeError for a number that is
 * negative or NaN
 */
export function checkOptions<T extends object>(
  taker: string,
  options: T,
  checks: OptionChecks<T>,
  required: readonly (keyof T & string)[] = [],
): void {
  if (passed.get(options) === checks) return
  checkOption(options, checks as OptionMembers, { taker, path: '' })
  for (const member of required)
    if (options[member] === undefined) throw new TypeError(`${taker}: option '${member}' is missing`)
  if (Object.isFrozen(options)) passed.set(options, checks as OptionMembers)
}

/**
 * As {@link checkOptions}, for code that pages load as well: in browsers nothing is checked, and bundlers remove the tables.
 * @throws TypeError
 */
export function checkOptionsOffPage<T extends object>(taker: string, options: T, checks: OptionChecks<T>): void {
  checkOptions(taker, options, checks)
}
