import {
  isInnerList,
  type Parameters,
  serializeDictionary,
  serializeInnerList,
  serializeItem,
} from 'structured-headers'
import { base64Encode } from '#base64url'
import { bareValue, fieldLines, type RequestContext } from './component-value.js'
import { queryOf } from './request-target.js'
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

function dictionaryOf(lines: readonly string[]): ReturnType<typeof singleReadingDictionary> {
  const members = singleReadingDictionary(lines.join(', '))
  if (members.size === 0) throw malformed('a component covered with sf or key is empty')
  return members
}

function binaryWrapped(lines: readonly string[]): string {
  const encoder = new TextEncoder()
  return lines.map(line => `:${base64Encode(encoder.encode(line))}:`).join(', ')
}

function memberNamed(lines: readonly string[], name: string): string {
  const member = dictionaryOf(lines).get(name)
  if (member === undefined) throw malformed('a covered Dictionary member is not in the request')
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member)
}

/**
 * The value of a field covered with exactly one of `sf`, `bs` and `key`.
 * @throws HttpSigError `invalid_signature` for any other parameter, `tr` and `req` among them, and where the value cannot be had
 * @see RFC 9421 §2.1
 */
export function parameterisedField(name: string, parameters: Parameters, lines: readonly string[]): string {
  const [entry] = parameters
  if (entry === undefined || parameters.size !== 1)
    throw malformed('a covered component has parameters that do not go together')
  const [parameter, value] = entry
  if (parameter === 'bs' && value === true) return binaryWrapped(lines)
  if (parameter === 'key' && typeof value === 'string') return memberNamed(lines, value)
  if (parameter === 'sf' && value === true && dictionaries.includes(name))
    return serializeDictionary(dictionaryOf(lines))
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

/**
 * The value of `"@query-param";name="…"`.
 * @param query with its `?`
 * @throws HttpSigError `invalid_signature` when the parameter is missing or there twice
 * @see RFC 9421 §2.2.8
 */
export function queryParameter(parameters: Parameters, query: string | undefined): string {
  const name = parameters.get('name')
  if (parameters.size !== 1 || typeof name !== 'string') throw malformed('@query-param needs name and nothing else')
  const values: string[] = []
  for (const pair of (query ?? '?').slice(1).split('&')) {
    const equals = pair.indexOf('=')
    const key = equals < 0 ? pair : pair.slice(0, equals)
    if (pair !== '' && percentEncoded(formDecoded(key)) === name)
      values.push(percentEncoded(formDecoded(equals < 0 ? '' : pair.slice(equals + 1))))
  }
  const [value] = values
  // With two of one name, signer and handler could each mean another.
  if (value === undefined || values.length > 1) throw malformed('a covered query parameter is missing or there twice')
  return value
}

/**
 * The value of a covered component.
 * @throws HttpSigError `invalid_signature` when it is unknown or not to be had from this request
 * @see docs/protocol.md §3.4, RFC 9421 §2
 */
export function componentValue({ name, parameters }: Component, context: RequestContext): string {
  if (!parameters) return bareValue(name, context)
  if (!name.startsWith('@')) return parameterisedField(name, parameters, fieldLines(name, context))
  if (name === '@query-param') return queryParameter(parameters, queryOf(context.target))
  throw malformed('a derived component has parameters that cannot be resolved')
}
