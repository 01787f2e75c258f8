import type { HeaderFields } from '@countersign/protocol'
import { connectionNames, type HeaderRules } from './header-rules.js'
import type { Line } from './identity.js'

/** Headers of an answer. Names in lower case; lines of one name are joined, but for `set-cookie`. */
export interface AnswerHeaders extends HeaderFields, Iterable<Line> {}

/** The headers of an answer of the API, for the caller. @param raw names and values in turn */
export function answerHeaders(raw: readonly string[], rules: HeaderRules): AnswerHeaders {
  // bound: one call
  const fields = new Map<string, string>()
  // bound: one call
  const cookies: string[] = []
  const named = namedIn(raw, rules)
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [given = '', value = ''] = [raw[at], raw[at + 1]]
    const { toCaller, plain } = rules(given)
    if (!toCaller || named.has(plain)) continue
    const name = given.toLowerCase()
    const before = fields.get(name)
    if (name === 'set-cookie') cookies.push(value)
    else fields.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return {
    get: name => (isCookie(name) ? joined(cookies) : (fields.get(name.toLowerCase()) ?? null)),
    set(name, value) {
      if (isCookie(name)) cookies.splice(0, cookies.length, value)
      else fields.set(name.toLowerCase(), value)
    },
    delete(name) {
      if (isCookie(name)) cookies.length = 0
      else fields.delete(name.toLowerCase())
    },
    keys: () => (cookies.length === 0 ? fields.keys() : [...fields.keys(), 'set-cookie']),
    [Symbol.iterator]: () => (cookies.length === 0 ? fields.entries() : linesOf(fields, cookies)),
  }
}

function* linesOf(fields: Iterable<Line>, cookies: readonly string[]): Generator<Line, undefined> {
  yield* fields
  for (const cookie of cookies) yield ['set-cookie', cookie]
}

function isCookie(name: string): boolean {
  return name.length === 10 && name.toLowerCase() === 'set-cookie'
}

function joined(cookies: readonly string[]): string | null {
  return cookies.length === 0 ? null : cookies.join(', ')
}

/** The names that `Connection` has. */
function namedIn(raw: readonly string[], rules: HeaderRules): ReadonlySet<string> {
  const values: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) if (rules(raw[at] ?? '').isConnection) values.push(raw[at + 1] ?? '')
  return connectionNames(values)
}
