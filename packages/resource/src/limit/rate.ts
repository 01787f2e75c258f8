/** So many requests in so many seconds. */
export interface Rate {
  readonly count: number
  readonly seconds: number
}

const units: Readonly<Record<string, number>> = { s: 1, sec: 1, min: 60, hour: 3600, day: 86_400 }

/**
 * Reads a limit such as `10/min`.
 * @param text a positive number, a slash, and `s`, `sec`, `min`, `hour` or `day`
 * @throws TypeError for anything else, so that a misspelt limit never means "no limit"
 */
export function parseRate(text: string): Rate {
  const [, digits, unit] = /^([1-9][0-9]{0,8})\/([a-z]+)$/.exec(text) ?? []
  const seconds = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined
  if (digits === undefined || seconds === undefined)
    throw new TypeError('a limit must read like 10/min: a number, a slash, and s, sec, min, hour or day')
  return { count: Number(digits), seconds }
}

/** Tells whether `other` allows more than `rate`; no rate at all allows most. */
export function allowsMore(other: Rate | undefined, rate: Rate | undefined): boolean {
  if (rate === undefined) return false
  return other === undefined || other.count / other.seconds > rate.count / rate.seconds
}
