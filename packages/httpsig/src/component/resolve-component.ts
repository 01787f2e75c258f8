import { isInnerList, serializeDictionary, serializeInnerList, serializeItem } from 'structured-headers'
import { base64Encode } from '#base64url'
import { type HttpSigError, refusal } from '../error.js'
import { queryOf } from '../message/target-parts.js'
import { componentIdentifier } from './component-identifier.js'
import type { ComponentProfile } from './component-profile.js'
import { bareValue, fieldLines, plainText } from './component-value.js'
import type { MessageContext, ResponseContext } from './message-context.js'
import { type MessageParts, messageParts, queryParameter } from './message-parts.js'
import type { Component } from './signature-input.js'
import { strictlySerialized } from './structured-field-type.js'

const unbroken = /^[^\0\r\n]*$/
const beyondLatin1 = /[^\0-\xff]/

function partsOf(message: MessageContext): MessageParts {
  message.parts ??= messageParts()
  return message.parts
}

function wrapBinary(lines: readonly string[]): string {
  return lines
    .map(line => {
      if (beyondLatin1.test(line)) throw refusal('component_value_invalid', { about: 'it is not decoded as latin1' })
      return `:${base64Encode(Uint8Array.from(line, character => character.charCodeAt(0)))}:`
    })
    .join(', ')
}

function findMember(key: string, component: Component, members: ReturnType<MessageParts['dictionary']>): string {
  const member = members.get(key)
  if (member === undefined) throw refusal('component_missing', { cause: { component: componentIdentifier(component) } })
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member)
}

interface FieldParameters {
  sf: boolean
  bs: boolean
  key?: string
}

/** Checks the parameters of a component: known names, right types, combinations that are allowed. */
function fieldParameters({ parameters }: Required<Component>, profile: ComponentProfile): FieldParameters {
  const read: FieldParameters = { sf: false, bs: false }
  for (const [parameter, value] of parameters) {
    if (parameter === 'tr') throw trailers()
    if (parameter === 'key' && typeof value === 'string') read.key = value
    else if ((parameter === 'sf' || parameter === 'bs') && value === true) read[parameter] = true
    else if (parameter !== 'req' || !profile.responses) throw unresolvable(parameter)
  }
  const isKey = read.key !== undefined
  if (read.bs ? read.sf || isKey : read.sf && isKey && !profile.sfBesideKey)
    throw refusal('component_unsupported', { about: 'its parameters do not go together' })
  return read
}

function fieldValue(component: Required<Component>, message: MessageContext, profile: ComponentProfile): string {
  const { name, parameters } = component
  const isBinary = profile.binaryFields && parameters.get('bs') === true
  const lines = fieldLines(name, message, isBinary ? unbroken : plainText)
  const { sf, bs, key } = fieldParameters(component, profile)
  if (bs) return wrapBinary(lines)
  if (key !== undefined) return findMember(key, component, partsOf(message).dictionary(lines))
  if (!sf) return lines.join(', ')
  const type = profile.fieldType(name)
  if (type === undefined)
    throw refusal('component_unsupported', {
      about: 'sf, for a field whose type is not known',
      cause: { component: name },
    })
  if (type !== 'dictionary') return strictlySerialized(lines.join(', '), type)
  const members = partsOf(message).dictionary(lines)
  if (members.size === 0 && !profile.emptyDictionary)
    throw refusal('component_value_invalid', { about: 'it is empty', cause: { component: name } })
  return serializeDictionary(members)
}

function statusOf(name: string, { status }: ResponseContext, profile: ComponentProfile): string {
  if (name !== '@status' || !profile.responses)
    throw refusal('component_unsupported', { about: 'it does not apply to a response', cause: { component: name } })
  if (!Number.isInteger(status) || status < 100 || status > 999)
    throw new TypeError('the status must be a three-digit integer')
  return String(status)
}

function derivedValue(name: string, message: MessageContext, profile: ComponentProfile): string {
  if ('status' in message) return statusOf(name, message, profile)
  const { absentQuery } = profile
  const value =
    absentQuery !== undefined && name === '@query' ? (queryOf(message.target) ?? absentQuery) : bareValue(name, message)
  // A line break would forge a line of the base, which is ASCII only.
  if (!profile.checkedTarget && !plainText.test(value))
    throw refusal('component_value_invalid', { cause: { component: name } })
  return value
}

/** The value of a derived component with parameters. `sourceOf` has applied `req` before. */
function parameterisedValue(
  component: Required<Component>,
  message: MessageContext,
  profile: ComponentProfile,
): string {
  const { name, parameters } = component
  const own = parameters.size - (profile.responses && parameters.has('req') ? 1 : 0)
  if (own === 0) return derivedValue(name, message, profile)
  if (parameters.has('tr')) throw trailers()
  if (name !== '@query-param' || 'status' in message)
    throw refusal('component_unsupported', { about: 'a parameter of a derived component', cause: { component: name } })
  const asked = parameters.get('name')
  if (own !== 1 || typeof asked !== 'string')
    throw refusal('component_unsupported', { about: '@query-param needs name and nothing else' })
  return queryParameter(asked, queryOf(message.target), partsOf(message))
}

/** The message that a component is taken from: with `req` the request of a response. */
function sourceOf({ name, parameters }: Required<Component>, message: MessageContext): MessageContext {
  const req = parameters.get('req')
  if (req === undefined) return message
  if (req !== true) throw unresolvable('req')
  if (!('status' in message))
    throw refusal('component_unsupported', { about: 'req, in a request', cause: { component: name } })
  if (message.request === undefined)
    throw refusal('component_missing', {
      about: 'the request that the response answers is not given',
      cause: { component: name },
    })
  return message.request
}

function unresolvable(parameter: string): HttpSigError {
  return refusal('component_unsupported', { about: 'a parameter that cannot be resolved', cause: { parameter } })
}

/** A text of its own: RFC 9421 allows the parameter, so a signer must learn why it is refused. */
function trailers(): HttpSigError {
  return refusal('component_unsupported', { about: 'trailers (tr)' })
}

/**
 * The value of a covered component.
 * @throws HttpSigError `invalid_signature` when the component is unknown, not in the message, or not allowed by the profile;
 * `invalid_request` for a field with a line break
 * @see protocol §3.4, RFC 9421 §2.1, §2.2, §2.4
 */
export function resolveComponent(component: Component, message: MessageContext, profile: ComponentProfile): string {
  const { name, parameters } = component
  const isDerived = name.startsWith('@')
  if (parameters === undefined)
    return isDerived ? derivedValue(name, message, profile) : fieldLines(name, message).join(', ')
  const whole = { name, parameters }
  const source = profile.responses ? sourceOf(whole, message) : message
  return isDerived ? parameterisedValue(whole, source, profile) : fieldValue(whole, source, profile)
}
