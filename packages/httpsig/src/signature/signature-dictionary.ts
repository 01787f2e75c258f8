import { isInnerList } from 'structured-headers'
import { type Component, componentsOf, signatureLimits } from '../component/signature-input.js'
import {
  byteSequence,
  type DictionaryLimits,
  type DictionaryMember,
  isLabel,
  parseMembers,
  strictInnerList,
} from '../component/structured-field.js'
import { refusal } from '../error.js'
import type { HeaderLines } from '../message/http-message.js'
import { headerValues, trimOws } from '../message/received-message.js'

/** The signature parameters that RFC 9421 registers. */
export interface SignatureParameters {
  /** Unix seconds. */
  readonly created?: number
  /** Unix seconds. */
  readonly expires?: number
  readonly nonce?: string
  /** As the signer spelled it. */
  readonly alg?: string
  readonly keyid?: string
  readonly tag?: string
}

/** One member of Signature-Input, read. */
export interface SignatureMember {
  readonly label: string
  readonly components: readonly Component[]
  readonly parameters: SignatureParameters
  /** The Inner List, strictly serialised: the value of `@signature-params`. */
  readonly text: string
}

const printable = /^[\t\x20-\x7e]*$/

/**
 * Reads a Dictionary field from all its lines; an empty map when the message does not have the field.
 * @throws HttpSigError `invalid_signature` when it is malformed, over the limits, or has a label or parameter twice
 */
export function dictionaryField(
  headers: HeaderLines,
  name: string,
  limits: DictionaryLimits = signatureLimits,
): Map<string, DictionaryMember> {
  const lines = headerValues({ headers }, name).map(trimOws)
  // bound: one call
  if (lines.length === 0) return new Map()
  const text = lines.join(', ')
  if (!printable.test(text))
    throw refusal('signature_header_malformed', {
      about: 'characters outside printable ASCII',
      cause: { header: name },
    })
  return parseMembers(name, text, limits)
}

type Member = DictionaryMember['member']

function parametersOf(label: string, member: Member): SignatureParameters {
  const read: { -readonly [K in keyof SignatureParameters]: SignatureParameters[K] } = {}
  for (const [name, value] of member[1]) {
    if (name === 'created' || name === 'expires') {
      if (typeof value !== 'number' || !Number.isInteger(value))
        throw refusal('signature_parameter_malformed', {
          about: 'it must be an Integer',
          cause: { label, parameter: name },
        })
      read[name] = value
    } else if (name === 'nonce' || name === 'alg' || name === 'keyid' || name === 'tag') {
      if (typeof value !== 'string')
        throw refusal('signature_parameter_malformed', {
          about: 'it must be a String',
          cause: { label, parameter: name },
        })
      read[name] = value
    }
  }
  return read
}

/**
 * Reads one member of Signature-Input.
 * @throws HttpSigError `invalid_signature`
 * @see RFC 9421 §4.1
 */
export function signatureMember(label: string, read: DictionaryMember): SignatureMember {
  const { member } = read
  if (!isLabel(label)) throw refusal('signature_header_malformed', { about: 'a label is longer than 64 characters' })
  const components = componentsOf(label, member)
  const text = strictInnerList('Signature-Input', read)
  return { label, components, parameters: parametersOf(label, member), text }
}

/** The bytes of one member of Signature. @throws HttpSigError `invalid_signature` when there is none */
export function signatureBytes(label: string, read: DictionaryMember | undefined): Uint8Array {
  const member = read?.member
  if (member === undefined) throw refusal('signature_label_missing', { cause: { label } })
  const bytes = isInnerList(member) ? undefined : byteSequence(member[0])
  if (bytes === undefined) throw refusal('signature_malformed', { cause: { label } })
  return bytes
}
