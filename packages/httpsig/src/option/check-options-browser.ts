import type { OptionChecks } from './option-check.js'

/** As in `check-options.ts`, in few bytes: names, no values. */
export function checkOptions<T extends object>(taker: string, options: T, checks: OptionChecks<T>): void {
  for (const member in options)
    if (!Object.hasOwn(checks, member)) throw new TypeError(`${taker}: unknown option '${member}'`)
}

/** Nothing: bundlers leave out the calls, tables and all. */
export function checkOptionsOffPage<T extends object>(_taker: string, _options: T, _checks: OptionChecks<T>): void {}
