import { type BareItem, isInnerList, type Parameters } from 'structured-headers'
import { type HttpSigError, refusal } from '../error.js'
import {
  type DictionaryLimits,
  type DictionaryMember,
  parseMembers,
  rawParameters,
  strictInnerList,
} from './structured-field.js'

/** One covered component. */
export interface Component {
  readonly name: string
  readonly parameters?: Parameters
}

/** The member of Signature-Input that Signature-Key selects, parsed. */
export interface SignatureInput {
  readonly label: string
  readonly components: readonly Component[]
  /** Parameter values in their strict serialisation, by key: `1700000000`, `"text"`, `?1`. */
  readonly raw: ReadonlyMap<string, string>
  readonly values: ReadonlyMap<string, BareItem>
  /** The member in its strict serialisation: the value of `@signature-params` in the base. */
  readonly text: string
  /** The member as it was sent. */
  readonly sent: string
}

/** Most components a signature may cover. */
export const componentLimit = 32

/** Most members, and most bytes over all lines, of Signature-Input and of Signature. */
export const signatureLimits: DictionaryLimits = { members: 8, bytes: 8 * 1024 }

const canonicalList = /^([a-z*][a-z0-9_.*-]{0,63})=\("([a-z0-9@-]+(?:" "[a-z0-9@-]+)*)"\)/
const canonicalParameter = /;([a-z*][a-z0-9_.*-]*)=(?:([1-9][0-9]{0,14})|"([\x20\x21\x23-\x5b\x5d-\x7e]*)")/y

/** The covered components of an Inner List. @throws HttpSigError `invalid_signature` */
export function componentsOf(label: string, member: DictionaryMember['member']): Component[] {
  if (!isInnerList(member))
    throw refusal('signature_header_malformed', { about: 'a member must be an Inner List', cause: { label } })
  if (member[0].length > componentLimit) throw tooManyComponents(label)
  return member[0].map(([name, parameters]): Component => {
    if (typeof name !== 'string')
      throw refusal('signature_header_malformed', { about: 'a covered component must be a String', cause: { label } })
    return parameters.size === 0 ? { name } : { name, parameters }
  })
}

function tooManyComponents(label: string): HttpSigError {
  return refusal('components_too_many', { cause: { label } })
}

/** Parses any legal spelling; {@link parseSignatureInput} reads the usual one first. */
export function parseSignatureInputFully(value: string, label: string): SignatureInput {
  const selected = parseMembers('Signature-Input', value, signatureLimits).get(label)
  if (selected === undefined) throw notSelected()
  const { member } = selected
  const text = strictInnerList('Signature-Input', selected)
  const components = componentsOf(label, member)
  // bound: one call
  return { label, components, raw: new Map(rawParameters(text)), values: member[1], text, sent: selected.text }
}

function notSelected(): HttpSigError {
  return refusal('signature_label_missing')
}

/** Parses the canonical spelling: one member whose parameters are Integers and plain Strings. Returns undefined for any other. */
function parseCanonical(value: string): SignatureInput | undefined {
  const list = canonicalList.exec(value)
  if (list?.[1] === undefined || list[2] === undefined) return undefined
  // bound: one call
  const raw = new Map<string, string>()
  // bound: one call
  const values = new Map<string, BareItem>()
  let at = list[0].length
  while (at < value.length) {
    canonicalParameter.lastIndex = at
    const [whole, key, integer, string] = canonicalParameter.exec(value) ?? []
    if (whole === undefined || key === undefined || raw.has(key)) return undefined
    at += whole.length
    raw.set(key, integer ?? `"${string}"`)
    values.set(key, integer === undefined ? (string ?? '') : Number(integer))
  }
  const components = list[2].split('" "').map(name => ({ name }))
  const text = value.slice(list[1].length + 1)
  return { label: list[1], components, raw, values, text, sent: text }
}

/**
 * Reads the member of Signature-Input that Signature-Key selects, and ignores the others.
 * @param value the lines of the header, joined
 * @param label that of Signature-Key
 * @throws HttpSigError `invalid_signature`, also above 8 members or 32 components; 431 above 8 KiB
 * @see protocol §3.1 and §3.4, RFC 9421 §4.1
 */
export function parseSignatureInput(value: string, label: string): SignatureInput {
  if (value.length > signatureLimits.bytes) throw refusal('header_too_long', { about: 'Signature-Input, 8192 bytes' })
  // As most signers write it: the full parser takes a twentieth of a whole GET longer.
  const canonical = parseCanonical(value)
  if (canonical === undefined) return parseSignatureInputFully(value, label)
  if (canonical.label !== label) throw notSelected()
  if (canonical.components.length > componentLimit) throw tooManyComponents(label)
  return canonical
}

const integer = /^-?\d{1,15}$/

/** An Integer parameter; undefined when absent. @throws HttpSigError for another type, even for the Decimal `1.0` */
export function integerParameter(input: SignatureInput, key: string): number | undefined {
  const raw = input.raw.get(key)
  if (raw === undefined) return undefined
  if (!integer.test(raw))
    throw refusal('signature_parameter_malformed', { about: 'it must be an Integer', cause: { parameter: key } })
  return Number(raw)
}

/** A String parameter; undefined when absent. @throws HttpSigError for another type */
export function stringParameter(input: SignatureInput, key: string): string | undefined {
  const value = input.values.get(key)
  if (value !== undefined && typeof value !== 'string')
    throw refusal('signature_parameter_malformed', { about: 'it must be a String', cause: { parameter: key } })
  return value
}
