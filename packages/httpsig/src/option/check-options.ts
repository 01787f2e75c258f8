import { checkOption, type OptionChecks, type OptionMembers } from './option-check.js'

/** Frozen options that have passed, by their checks: options that serve every request are looked at once. */
const passed = new WeakMap<object, OptionMembers>()

/**
 * Refuses what an options object must not hold: a misspelt member would be ignored, and what it was to forbid allowed.
 * Members that are undefined count as left out, but for those that restrict (`restriction`). In browsers only names are checked, which costs a page fewer bytes.
 * @param taker the function that takes the options, for the message
 * @param required members that must be there
 * @throws TypeError that names the member, and the one that was probably meant; RangeError for a number that is negative or NaN
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
 * As {@link checkOptions}, for what a page loads as well: in browsers nothing is checked, and the tables cost no byte there.
 * @throws TypeError
 */
export function checkOptionsOffPage<T extends object>(taker: string, options: T, checks: OptionChecks<T>): void {
  checkOptions(taker, options, checks)
}
