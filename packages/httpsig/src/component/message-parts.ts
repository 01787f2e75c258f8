import {
  isInnerList,
  type Parameters,
  serializeDictionary,
  serializeInnerList,
  serializeItem,
} from 'structured-headers'
import { base64Encode } from '#base64url'
import { queryOf } from '../message/target-parts.js'
import { bareValue, fieldLines, type RequestContext } from './component-value.js'
import type { Component } from './signature-input.js'
import { malformed } from './structured-field.js'
import { singleReadingDictionary } from './structured-field-type.js'

// Fields whose type this package knows, all Dictionaries; `sf` on any other cannot be resolved.
const dictionaries: readonly string[] = [
  'content-digest',
  'priority',
  'repr-digest',
  'signature',
  'signature-input',
  'signature-key',
  'want-content-digest',
  'want-repr-digest',
]

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

function dictionaryOf(lines: readonly string[], parts: MessageParts): Members {
  const members = parts.dictionary(lines)
  if (members.size === 0) throw malformed('a component covered with sf or key is empty')
  return members
}

function binaryWrapped(lines: readonly string[]): string {
  const encoder = new TextEncoder()
  return lines.map(line => `:${base64Encode(encoder.encode(line))}:`).join(', ')
}

function memberNamed(lines: readonly string[], name: string, parts: MessageParts): string {
  const member = dictionaryOf(lines, parts).get(name)
  if (member === undefined) throw malformed('a covered Dictionary member is not in the request')
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member)
}

/**
 * The value of a field covered with exactly one of `sf`, `bs` and `key`.
 * @throws HttpSigError `invalid_signature` for any other parameter, `tr` and `req` among them, and where the value cannot be had
 * @see RFC 9421 §2.1
 */
function parameterisedField(
  { name, parameters }: Required<Component>,
  lines: readonly string[],
  parts: MessageParts,
): string {
  const [entry] = parameters
  if (entry === undefined || parameters.size !== 1)
    throw malformed('a covered component has parameters that do not go together')
  const [parameter, value] = entry
  if (parameter === 'bs' && value === true) return binaryWrapped(lines)
  if (parameter === 'key' && typeof value === 'string') return memberNamed(lines, value, parts)
  if (parameter === 'sf' && value === true && dictionaries.includes(name))
    return serializeDictionary(dictionaryOf(lines, parts))
  throw malformed('a covered component has a parameter that cannot be resolved')
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
export function queryParameter(parameters: Parameters, query: string | undefined, parts: MessageParts): string {
  const name = parameters.get('name')
  if (parameters.size !== 1 || typeof name !== 'string') throw malformed('@query-param needs name and nothing else')
  const value = parts.query(query).get(name)
  // With two of one name, signer and handler could each mean another.
  if (value === undefined) throw malformed('a covered query parameter is missing or there twice')
  return percentEncoded(formDecoded(value))
}

/**
 * The value of a covered component.
 * @throws HttpSigError `invalid_signature` when it is unknown or not to be had from this request
 * @see docs/protocol.md §3.4, RFC 9421 §2
 */
export function componentValue({ name, parameters }: Component, context: RequestContext, parts: MessageParts): string {
  if (!parameters) return bareValue(name, context)
  if (!name.startsWith('@')) return parameterisedField({ name, parameters }, fieldLines(name, context), parts)
  if (name === '@query-param') return queryParameter(parameters, queryOf(context.target), parts)
  throw malformed('a derived component has parameters that cannot be resolved')
}
