import { malformed } from './structured-field.js'
import { singleReadingDictionary } from './structured-field-type.js'

type Members = ReturnType<typeof singleReadingDictionary>

/**
 * What several components of one message may be members of, each read once: a signature may cover as many members of one field, or
 * parameters of one query, as it may cover components.
 */
export interface MessageParts {
  dictionary(lines: readonly string[]): Members
  query(query: string | undefined): ReadonlyMap<string, string | undefined>
}

/** Parts of one message that is verified once. */
export function messageParts(): MessageParts {
  const dictionaries = new Map<string, Members>()
  const queries = new Map<string, ReadonlyMap<string, string | undefined>>()
  return {
    dictionary: lines => once(dictionaries, lines.join(', '), singleReadingDictionary),
    query: (query = '?') => once(queries, query, queryParameters),
  }
}

function once<T>(known: Map<string, T>, text: string, read: (text: string) => T): T {
  const value = known.get(text) ?? read(text)
  known.set(text, value)
  return value
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw malformed('a query parameter is not UTF-8', cause)
  }
}

function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()~]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Most parameters of a query of which some are covered by name. */
const mostParameters = 1000

/** The parameters of a query by name, their values as sent; undefined where there are two of one name. */
function queryParameters(query: string): ReadonlyMap<string, string | undefined> {
  const values = new Map<string, string | undefined>()
  let count = 0
  for (const pair of query.slice(1).split('&')) {
    if (pair === '') continue
    count += 1
    if (count > mostParameters) throw malformed('a query with covered parameters has more than 1000')
    const equals = pair.indexOf('=')
    const name = percentEncoded(formDecoded(equals < 0 ? pair : pair.slice(0, equals)))
    const value = equals < 0 ? '' : pair.slice(equals + 1)
    values.set(name, values.has(name) ? undefined : value)
  }
  return values
}

/**
 * The value of `"@query-param";name="…"`.
 * @param query with its `?`
 * @throws HttpSigError `invalid_signature` when the parameter is missing or there twice
 * @see RFC 9421 §2.2.8
 */
export function queryParameter(name: string, query: string | undefined, parts: MessageParts): string {
  const value = parts.query(query).get(name)
  // With two of one name, signer and handler could each mean another.
  if (value === undefined) throw malformed('a covered query parameter is missing or there twice')
  return percentEncoded(formDecoded(value))
}
