import { refusal } from '../error.js'
import { singleReadingDictionary } from './structured-field-type.js'

type Members = ReturnType<typeof singleReadingDictionary>

/**
 * The Dictionaries and queries of one message, each parsed once: a signature may cover 32 members of one field, or 32
 * parameters of one query.
 */
export interface MessageParts {
  dictionary(lines: readonly string[]): Members
  query(query: string | undefined): ReadonlyMap<string, string | undefined>
}

/** Creates the parts of one message. */
export function messageParts(): MessageParts {
  // bound: one call
  const dictionaries = new Map<string, Members>()
  // bound: one call
  const queries = new Map<string, ReadonlyMap<string, string | undefined>>()
  return {
    dictionary: lines => readOnce(dictionaries, lines.join(', '), singleReadingDictionary),
    query: (query = '?') => readOnce(queries, query, queryParameters),
  }
}

function readOnce<T>(known: Map<string, T>, text: string, read: (text: string) => T): T {
  const value = known.get(text) ?? read(text)
  known.set(text, value)
  return value
}

function decodeForm(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw refusal('component_value_invalid', { about: 'a query parameter is not UTF-8', cause })
  }
}

function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()~]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Most parameters of a query when some of them are covered by name. */
const mostParameters = 1000

/** The parameters of a query by name, with their values as sent; undefined for a name that occurs twice. */
function queryParameters(query: string): ReadonlyMap<string, string | undefined> {
  const values = new Map<string, string | undefined>()
  let count = 0
  for (const pair of query.slice(1).split('&')) {
    if (pair === '') continue
    count += 1
    if (count > mostParameters) throw refusal('components_too_many')
    const equals = pair.indexOf('=')
    const name = percentEncode(decodeForm(equals < 0 ? pair : pair.slice(0, equals)))
    const value = equals < 0 ? '' : pair.slice(equals + 1)
    values.set(name, values.has(name) ? undefined : value)
  }
  return values
}

/**
 * The value of `"@query-param";name="…"`.
 * @param query with its `?`
 * @throws HttpSigError `invalid_signature` when the parameter is missing or occurs twice
 * @see RFC 9421 §2.2.8
 */
export function queryParameter(name: string, query: string | undefined, parts: MessageParts): string {
  const value = parts.query(query).get(name)
  // Of two parameters with one name, signer and handler could each read another one.
  if (value === undefined) throw refusal('component_missing')
  return percentEncode(decodeForm(value))
}
