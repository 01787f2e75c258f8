import type { OptionChecks } from './option-check.js'

/** As in `check-options.ts`, but checks the names of members only, to keep a page small. */
export function checkOptions<T extends object>(taker: string, options: T, checks: OptionChecks<T>): void {
  for (const member in options)
    if (!Object.hasOwn(checks, member)) throw new TypeError(`${taker}: unknown option '${member}'`)
}

/** Does nothing: bundlers remove the calls and their tables. */
export function checkOptionsOffPage<T extends object>(_taker: string, _options: T, _checks: OptionChecks<T>): void {}
