import {
  type BareItem,
  type InnerList,
  type Item,
  isInnerList,
  parseDictionary,
  serializeInnerList,
} from 'structured-headers'
import { refusal } from '../error.js'
import { trimOws } from '../message/received-message.js'

/** One parameter as it was written: key, the raw text of its value (`?1` when it had none), and the parsed value. */
export interface RawParameter {
  readonly key: string
  readonly raw: string
  readonly value: BareItem
}

/** The one member of Signature-Key. */
export interface SingleMember {
  readonly label: string
  readonly member: Item | InnerList
  readonly parameters: readonly RawParameter[]
}

/** A member of a Dictionary: parsed, and as written, without label and `=`. */
export interface DictionaryMember {
  readonly member: Item | InnerList
  readonly text: string
}

/** Most members and most bytes of a Dictionary. */
export interface DictionaryLimits {
  readonly members: number
  readonly bytes: number
}

// One step over a valid field: a string, display string, byte sequence, token or key, number, or any other character. A string
// without an end is one step, too: otherwise each quote of many would be followed to the end of the text (quadratic time).
const steps =
  /"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$)|%"[^"]*"|:[A-Za-z0-9+/=]*:|[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*|@?-?\d[\d.]*|[\s\S]/g

// RFC 9651 lets a recipient limit keys to 64 characters.
const legalLabel = /^[a-z*][a-z0-9_.*-]{0,63}$/

/** Whether `label` may name a signature. */
export function isLabel(label: string): boolean {
  return legalLabel.test(label)
}

interface Written {
  semicolons: number
  commas: number
  /** The top-level member's own parameters as [key, raw value]. */
  readonly parameters: Array<[key: string, raw: string]>
}

/** Reads what the parser drops, from text that it has accepted. */
function readWritten(text: string): Written {
  const seen: Written = { semicolons: 0, commas: 0, parameters: [] }
  let depth = 0
  let previous = ''
  for (const [step] of text.matchAll(steps)) {
    if (step === ' ') continue
    // bound: one call
    if (step === '(') depth++
    else if (step === ')') depth--
    else if (step === ';') seen.semicolons++
    else if (step === ',') seen.commas++
    else if (depth === 0 && previous === ';') seen.parameters.push([step, '?1'])
    else if (depth === 0 && previous === '=') setLast(seen, step)
    // `?` and the digit after it are two steps of one Boolean.
    else if (depth === 0 && previous === '?') setLast(seen, `?${step}`)
    previous = step
  }
  return seen
}

/** Counts the written members of a Dictionary that has parsed, repeated ones too. */
export function countMembers(value: string): number {
  let depth = 0
  let commas = 0
  for (const [step] of value.matchAll(steps)) {
    if (step === '(') depth++
    else if (step === ')') depth--
    else if (step === ',' && depth === 0) commas++
  }
  return commas + 1
}

/** The written members of a Dictionary that has parsed, in order, repeated ones too. */
function writtenMembers(value: string): string[] {
  const members: string[] = []
  let depth = 0
  let start = 0
  for (const { 0: step, index } of value.matchAll(steps)) {
    if (step === '(') depth++
    else if (step === ')') depth--
    else if (step === ',' && depth === 0) {
      members.push(trimOws(value.slice(start, index)))
      start = index + 1
    }
  }
  members.push(trimOws(value.slice(start)))
  return members
}

/**
 * Reads a Dictionary with each label and each parameter once.
 * Parsers keep the last of two equal labels or parameters, so two readers could see two values: a repetition refuses.
 * @throws HttpSigError `invalid_signature`, also above the limit of members; 431 above the limit of bytes
 * @see protocol §3.1, RFC 9651 §4.2.2
 */
export function parseMembers(header: string, value: string, limits: DictionaryLimits): Map<string, DictionaryMember> {
  if (value.length > limits.bytes) throw refusal('header_too_long', { about: `${header}, ${limits.bytes} bytes` })
  let parsed: ReturnType<typeof parseDictionary>
  try {
    parsed = parseDictionary(value)
  } catch (cause) {
    throw refusal('signature_header_malformed', { about: `${header} is not a Structured Field Dictionary`, cause })
  }
  if (parsed.size === 0) throw refusal('signature_header_malformed', { about: `${header} is empty` })
  const texts = writtenMembers(value)
  if (texts.length > limits.members) throw refusal('signatures_too_many')
  if (texts.length !== parsed.size) throw refusal('signature_label_repeated', { about: header })
  let held = 0
  for (const member of parsed.values()) held += heldParameters(member)
  if (countParameters(value) !== held) throw refusal('parameter_repeated', { about: header })
  // bound: one call
  const members = new Map<string, DictionaryMember>()
  let at = 0
  for (const [label, member] of parsed) {
    const text = texts[at++] ?? ''
    members.set(label, { member, text: text.slice(label.length + (text[label.length] === '=' ? 1 : 0)) })
  }
  return members
}

/**
 * An Inner List in its strict serialisation, which the signature base has whatever spacing was sent.
 * @throws HttpSigError `invalid_signature` for numbers that the parser misreads (1.0 as 1, a Date out of range)
 * @see RFC 9421 §2.3
 */
export function strictInnerList(header: string, { member, text }: DictionaryMember): string {
  if (!isInnerList(member))
    throw refusal('signature_header_malformed', { about: `the ${header} member must be an Inner List` })
  if (holdsMisreadNumber(text))
    throw refusal('signature_parameter_malformed', {
      about: `${header} has a Decimal without a fraction, or a Date out of range`,
    })
  return serializeInnerList(member)
}

/** The parameters of a member that has parsed, as [key, raw value]. */
export function rawParameters(text: string): ReadonlyArray<readonly [key: string, raw: string]> {
  return readWritten(text).parameters
}

/** Counts the written parameters of a field that has parsed, at any depth, repeated ones too. */
export function countParameters(value: string): number {
  let semicolons = 0
  for (const [step] of value.matchAll(steps)) if (step === ';') semicolons++
  return semicolons
}

// The last second that a Date of JavaScript can hold.
const lastSecond = 8_640_000_000_000

/**
 * Whether a field has a number that the parser misreads: a Decimal without a fraction (`1.0`), which it takes for an Integer, or a
 * Date beyond those of JavaScript.
 */
export function holdsMisreadNumber(value: string): boolean {
  for (const [step] of value.matchAll(steps)) {
    if (/^-?\d+\.0+$/.test(step)) return true
    if (step.startsWith('@') && Math.abs(Number(step.slice(1))) > lastSecond) return true
  }
  return false
}

function setLast(seen: Written, raw: string): void {
  const last = seen.parameters.at(-1)
  if (last) last[1] = raw
}

/** Counts the parameters of a parsed member, those of its items too. */
export function heldParameters(member: Item | InnerList): number {
  const own = member[1].size
  return Array.isArray(member[0]) ? member[0].reduce((sum, item) => sum + item[1].size, own) : own
}

/**
 * Parses Signature-Key, a Dictionary that must hold exactly one member, each parameter once.
 * Parsers keep the last of two equal members or parameters, so two readers could see two values: a repetition refuses.
 * @throws HttpSigError `invalid_signature`
 * @see protocol §3.1, RFC 9651 §4.2.2
 */
export function parseSingleMember(value: string): SingleMember {
  let members: ReturnType<typeof parseDictionary>
  try {
    members = parseDictionary(value)
  } catch (cause) {
    throw refusal('signature_header_malformed', { about: 'Signature-Key is not a Structured Field Dictionary', cause })
  }
  const [entry] = members
  if (entry === undefined || members.size !== 1)
    throw refusal('signature_key_malformed', { about: 'it must have exactly one member' })
  const [label, member] = entry
  if (!isLabel(label)) throw refusal('signature_key_malformed', { about: 'its label is longer than 64 characters' })
  const seen = readWritten(value)
  if (seen.commas !== 0) throw refusal('signature_key_malformed', { about: 'it must have exactly one member' })
  if (seen.semicolons !== heldParameters(member)) throw refusal('parameter_repeated', { about: 'Signature-Key' })
  const parsed = member[1]
  return {
    label,
    member,
    parameters: seen.parameters.map(([key, raw]) => ({ key, raw, value: parsed.get(key) ?? true })),
  }
}

/**
 * The bytes of a parsed Byte Sequence; undefined for another item. By its tag: where a bundle runs in a realm of its own, `instanceof`
 * knows no buffer of the platform.
 */
export function byteSequence(item: unknown): Uint8Array<ArrayBuffer> | undefined {
  return Object.prototype.toString.call(item) === '[object ArrayBuffer]'
    ? new Uint8Array(item as ArrayBuffer)
    : undefined
}
