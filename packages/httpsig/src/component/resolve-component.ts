import { isInnerList, type Parameters, serializeInnerList, serializeItem } from 'structured-headers'
import { base64Encode } from '#base64url'
import { type HeaderLines, type HttpMessage, type HttpRequestMessage, isResponse } from '../message/http-message.js'
import { trimOws } from '../message/received-message.js'
import { pathOf, queryOf } from '../message/target-parts.js'
import { componentKey } from './component-identifier.js'
import { type MessageParts, messageParts, queryParameter } from './message-parts.js'
import { componentIdentifier } from './signature-base.js'
import type { Component } from './signature-input.js'
import { malformed } from './structured-field.js'
import { type StructuredFieldTypes, strictlySerialized, structuredFieldType } from './structured-field-type.js'

const fieldName = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
const plainText = /^[\t\x20-\x7e]*$/
const lineBreaking = /[\0\r\n]/
const beyondLatin1 = /[^\0-\xff]/
const absoluteForm = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)/i

/** A field line's value without surrounding whitespace and obsolete folding. */
function unfolded(value: string): string {
  const lines = trimOws(value).split('\r\n')
  // A line that does not begin with whitespace is no fold but another header, smuggled into this one.
  if (lines.some((line, index) => lineBreaking.test(line) || (index > 0 && !/^[ \t]/.test(line))))
    throw malformed('a covered header value holds NUL or a line break')
  return lines.length === 1 ? (lines[0] ?? '') : lines.map(trimOws).join(' ')
}

function fieldLines(name: string, headers: HeaderLines): string[] {
  if (!fieldName.test(name)) throw malformed('a covered component is unknown', { component: name })
  const lines: string[] = []
  for (const [key, value] of headers)
    if (key.length === name.length && key.toLowerCase() === name) lines.push(unfolded(value))
  if (lines.length === 0) throw malformed('a covered component is not in the message', { component: name })
  return lines
}

function binaryWrapped(lines: readonly string[]): string {
  return lines
    .map(line => {
      if (beyondLatin1.test(line)) throw malformed('a covered header value is not decoded as latin1')
      return `:${base64Encode(Uint8Array.from(line, character => character.charCodeAt(0)))}:`
    })
    .join(', ')
}

function memberNamed(members: ReturnType<MessageParts['dictionary']>, key: string, component: Component): string {
  const member = members.get(key)
  if (member === undefined)
    throw malformed('a covered Dictionary member is not in the message', { component: componentIdentifier(component) })
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member)
}

/** The parameters, checked: known ones only, of their type, in combinations that mean something. */
function fieldParameters(parameters: Parameters): { sf: boolean; bs: boolean; key?: string } {
  const read: { sf: boolean; bs: boolean; key?: string } = { sf: false, bs: false }
  for (const [parameter, value] of parameters) {
    if (parameter === 'tr') throw malformed('trailers are not supported: a component has the parameter tr')
    if (parameter === 'key' && typeof value === 'string') read.key = value
    else if ((parameter === 'sf' || parameter === 'bs') && value === true) read[parameter] = true
    else if (parameter !== 'req' || value !== true)
      throw malformed('a covered component has a parameter that cannot be resolved', { parameter })
  }
  if (read.bs && (read.sf || read.key !== undefined))
    throw malformed('a covered component has parameters that do not go together')
  return read
}

/** With what components of one message are resolved. */
interface Resolving {
  /** Fields whose type the registry here does not know; needed for `sf` only. */
  readonly types: StructuredFieldTypes
  readonly parts: MessageParts
}

function fieldValue(component: Component, headers: HeaderLines, { types, parts }: Resolving): string {
  const { name, parameters } = component
  const lines = fieldLines(name, headers)
  if (parameters === undefined) return lines.join(', ')
  const { sf, bs, key } = fieldParameters(parameters)
  if (bs) return binaryWrapped(lines)
  const text = lines.join(', ')
  if (key !== undefined) return memberNamed(parts.dictionary(lines), key, component)
  if (!sf) return text
  const type = structuredFieldType(name, types)
  if (type === undefined)
    throw malformed('a component is covered with sf but the type of its field is not known', { component: name })
  return strictlySerialized(text, type)
}

/** Path and query of the target URI, as written; empty for the forms that have neither. */
function pathAndQuery({ target, scheme, authority }: HttpRequestMessage): string {
  if (target.startsWith('/')) return target
  const absolute = absoluteForm.exec(target)
  // Authority form (CONNECT) and asterisk form (OPTIONS) name no path (RFC 9110 §7.1).
  if (absolute === null) return ''
  const [origin, itsScheme = '', itsAuthority = ''] = absolute
  const rest = target.slice(origin.length)
  // An absolute target names an authority of its own; one that is not served here must not pass under the configured one.
  if (
    itsScheme.toLowerCase() !== scheme ||
    canonicalAuthority(itsAuthority, scheme) !== canonicalAuthority(authority, scheme)
  )
    throw malformed('the request target is for another scheme or authority', { expected: { scheme, authority } })
  return rest
}

function canonicalAuthority(authority: string, scheme: 'https' | 'http'): string {
  const lower = authority.toLowerCase()
  const standard = scheme === 'https' ? ':443' : ':80'
  return lower.endsWith(standard) ? lower.slice(0, -standard.length) : lower
}

function ofRequest(name: string, request: HttpRequestMessage): string | undefined {
  const authority = canonicalAuthority(request.authority, request.scheme)
  switch (name) {
    case '@method':
      return request.method
    case '@authority':
      return authority
    case '@scheme':
      return request.scheme
    case '@request-target':
      return request.target
    case '@target-uri':
      return `${request.scheme}://${authority}${pathAndQuery(request)}`
    case '@path':
      return pathOf(pathAndQuery(request)) || '/'
    case '@query':
      // "If the query string is absent from the request message, the component value is the leading ? character alone" (§2.2.7).
      return queryOf(pathAndQuery(request)) ?? '?'
    default:
      return undefined
  }
}

function derivedValue({ name, parameters }: Component, message: HttpMessage, parts: MessageParts): string {
  const own = new Map(parameters)
  own.delete('req')
  if (own.has('tr')) throw malformed('trailers are not supported: a component has the parameter tr')
  if (name === '@query-param' && !isResponse(message)) return queryParameter(own, queryOf(pathAndQuery(message)), parts)
  if (own.size > 0) throw malformed('a derived component has parameters that cannot be resolved', { component: name })
  if (isResponse(message)) {
    if (name !== '@status') throw malformed('a covered component does not apply to a response', { component: name })
    if (!Number.isInteger(message.status) || message.status < 100 || message.status > 999)
      throw new TypeError('the status must be a three-digit integer')
    return String(message.status)
  }
  const value = ofRequest(name, message)
  if (value === undefined)
    throw malformed('a covered component is unknown or does not apply to a request', { component: name })
  return value
}

/** The message a component is taken from. */
function sourceOf({ name, parameters }: Component, message: HttpMessage): HttpMessage {
  const req = parameters?.get('req')
  if (req === undefined) return message
  if (req !== true) throw malformed('a covered component has a parameter that cannot be resolved', { parameter: 'req' })
  if (!isResponse(message)) throw malformed('req stands on a component of a request', { component: name })
  if (message.request === undefined)
    throw malformed('a covered component is of the request, which is not at hand', { component: name })
  return message.request
}

/**
 * The value of a component of a request or response.
 * @throws HttpSigError `invalid_signature` when the component is unknown, has an unknown parameter or is not in the message
 * @see RFC 9421 §2.1, §2.2, §2.4
 */
export function messageComponentValue(component: Component, message: HttpMessage, resolving: Resolving): string {
  const source = sourceOf(component, message)
  const value = component.name.startsWith('@')
    ? derivedValue(component, source, resolving.parts)
    : fieldValue(component, source.headers, resolving)
  // A line break would forge a line of the base; what is not ASCII has no bytes there.
  if (!plainText.test(value))
    throw malformed('the value of a covered component holds characters outside printable ASCII', {
      component: componentIdentifier(component),
    })
  return value
}

/**
 * The signature base of a request or response.
 * @param parameters the Inner List of Signature-Input, serialised
 * @throws HttpSigError `invalid_signature` as {@link messageComponentValue}, and for a component that is covered twice
 * @see RFC 9421 §2.5
 */
export function messageSignatureBase(
  components: readonly Component[],
  parameters: string,
  message: HttpMessage,
  types: StructuredFieldTypes = {},
): string {
  const seen = new Set<string>()
  const resolving = { types, parts: messageParts() }
  let base = ''
  for (const component of components) {
    const key = componentKey(component)
    // A component named twice could carry two values, each read by another party.
    if (seen.has(key)) throw malformed('a component is covered twice', { component: key })
    seen.add(key)
    const identifier = component.parameters ? componentIdentifier(component) : `"${component.name}"`
    base += `${identifier}: ${messageComponentValue(component, message, resolving)}\n`
  }
  return `${base}"@signature-params": ${parameters}`
}
