import { type BareItem, type InnerList, type Item, parseDictionary } from 'structured-headers'
import { HttpSigError } from './error.js'

/** One parameter as it was written: key, the raw text of its value (`?1` when it had none), and the parsed value. */
export interface RawParameter {
  readonly key: string
  readonly raw: string
  readonly value: BareItem
}

/** The one member of a header that must have exactly one. */
export interface SingleMember {
  readonly label: string
  readonly member: Item | InnerList
  /** The member as received, without label and `=`. */
  readonly text: string
  readonly parameters: readonly RawParameter[]
}

// One step over a valid field: a string, display string, byte sequence, token or key, number, or any other character.
const steps =
  /"[^"\\]*(?:\\.[^"\\]*)*"|%"[^"]*"|:[A-Za-z0-9+/=]*:|[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*|@?-?\d[\d.]*|[\s\S]/g

// RFC 9651 lets a recipient limit keys to 64 characters.
const legalLabel = /^[a-z*][a-z0-9_.*-]{0,63}$/

/** Whether `label` may name a signature. */
export function isLabel(label: string): boolean {
  return legalLabel.test(label)
}

/** The error for a fault in one of the signature headers: 401, never 400. */
export function malformed(description: string, cause?: unknown): HttpSigError {
  return new HttpSigError('invalid_signature', description, cause === undefined ? {} : { cause })
}

interface Written {
  semicolons: number
  commas: number
  /** The top-level member's own parameters as [key, raw value]. */
  readonly parameters: Array<[key: string, raw: string]>
}

/** Reads what a parser collapses from text that has already parsed. */
function written(text: string): Written {
  const seen: Written = { semicolons: 0, commas: 0, parameters: [] }
  let depth = 0
  let previous = ''
  for (const [step] of text.matchAll(steps)) {
    if (step === ' ') continue
    if (step === '(') depth++
    else if (step === ')') depth--
    else if (step === ';') seen.semicolons++
    else if (step === ',') seen.commas++
    else if (depth === 0 && previous === ';') seen.parameters.push([step, '?1'])
    else if (depth === 0 && previous === '=') setLast(seen, step)
    // `?` and the digit after it are two steps of one boolean.
    else if (depth === 0 && previous === '?') setLast(seen, `?${step}`)
    previous = step
  }
  return seen
}

/** How many members a Dictionary that has parsed was written with, repeated ones counted. */
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

/** How many parameters a field that has parsed was written with, at any depth, repeated ones counted. */
export function countParameters(value: string): number {
  let semicolons = 0
  for (const [step] of value.matchAll(steps)) if (step === ';') semicolons++
  return semicolons
}

/** Whether a Decimal without a fraction (`1.0`) stands in it, which the parser cannot tell from an Integer. */
export function holdsWholeDecimal(value: string): boolean {
  for (const [step] of value.matchAll(steps)) if (/^-?\d+\.0+$/.test(step)) return true
  return false
}

function setLast(seen: Written, raw: string): void {
  const last = seen.parameters.at(-1)
  if (last) last[1] = raw
}

/** How many parameters a parsed member holds, its items' ones counted. */
export function heldParameters(member: Item | InnerList): number {
  const own = member[1].size
  return Array.isArray(member[0]) ? member[0].reduce((sum, item) => sum + item[1].size, own) : own
}

/**
 * Parses a Dictionary that must hold exactly one member, each parameter once.
 * Parsers collapse repeated members and parameters to the last one; two readers could then see two things, so a repetition refuses.
 * @throws HttpSigError `invalid_signature`
 * @see docs/protocol.md §3.1, RFC 9651 §4.2.2
 */
export function parseSingleMember(header: string, value: string): SingleMember {
  let members: ReturnType<typeof parseDictionary>
  try {
    members = parseDictionary(value)
  } catch (cause) {
    throw malformed(`${header} is not a Structured Field Dictionary`, cause)
  }
  const [entry] = members
  if (entry === undefined || members.size !== 1) throw malformed(`${header} must have exactly one member`)
  const [label, member] = entry
  if (!isLabel(label)) throw malformed(`${header} has a label longer than 64 characters`)
  const seen = written(value)
  if (seen.commas !== 0) throw malformed(`${header} must have exactly one member`)
  if (seen.semicolons !== heldParameters(member)) throw malformed(`${header} repeats a parameter`)
  const parsed = member[1]
  return {
    label,
    member,
    text: value[label.length] === '=' ? value.slice(label.length + 1) : value.slice(label.length),
    parameters: seen.parameters.map(([key, raw]) => ({ key, raw, value: parsed.get(key) ?? true })),
  }
}
