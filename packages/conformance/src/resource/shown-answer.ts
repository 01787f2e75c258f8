import type { Trial } from '../case/trial.js'
import { headerValue, type WireResponse } from '../wire/message.js'
import { isJson, isPartOf } from './shown-json.js'

/** An answer, and what of it must be shown. */
export interface Shown {
  readonly response: WireResponse | undefined
  readonly wanted: unknown
  /** The answer without a condition. */
  readonly whole: WireResponse
}

/** Notes whether an answer shows what it must and no more. */
export function shows(trial: Trial, title: string, { response, wanted, whole }: Shown): void {
  const text = response?.body.toString('utf8') ?? ''
  trial.holds(`${title}: the answer is as it must be`, isJson(text, wanted), text.slice(0, 200))
  if (response === undefined) return
  trial.holds(
    `${title}: what stays is in its order, and written as before`,
    isPartOf(text, whole.body.toString('utf8')),
    text.slice(0, 200),
  )
  const length = headerValue(response, 'content-length')
  trial.holds(`${title}: Content-Length fits`, length === undefined || Number(length) === response.body.length, length)
}

/** What one pointer lets through: undefined for a scalar on the way, and for what is not named. */
export function through(value: unknown, [segment, ...rest]: readonly string[]): unknown {
  if (segment === undefined) return value
  if (typeof value !== 'object' || value === null) return undefined
  const isNamed = (name: string): boolean => segment === '*' || segment === name
  if (Array.isArray(value)) return value.map((one, at) => (isNamed(String(at)) ? (through(one, rest) ?? null) : null))
  const members = Object.entries(value).filter(([name]) => isNamed(name))
  const shown = members.map(([name, one]) => [name, through(one, rest)] as const)
  return Object.fromEntries(shown.filter(([, one]) => one !== undefined))
}
