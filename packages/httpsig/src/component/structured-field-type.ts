import { parseDictionary, parseItem, parseList, serializeItem, serializeList } from 'structured-headers'
import { refusal } from '../error.js'
import { countMembers, countParameters, heldParameters, holdsMisreadNumber } from './structured-field.js'

/** The type that the definition of a Structured Field gives it. */
export type StructuredFieldType = 'dictionary' | 'list' | 'item'

/** Types of fields by lower-case name. */
export type StructuredFieldTypes = Readonly<Record<string, StructuredFieldType>>

// Dictionaries of RFC 9421, 9530, 9218 and Signature-Key: all that AAuth lets a signature cover with `sf`.
const signingDictionaries: readonly string[] = [
  'content-digest',
  'priority',
  'repr-digest',
  'signature',
  'signature-input',
  'signature-key',
  'want-content-digest',
  'want-repr-digest',
]

// The same, and fields of RFC 9421 (Accept-Signature), 9211, 9209, 9213, 9440, 9297 and 9745.
const known: ReadonlyMap<string, StructuredFieldType> = new Map<string, StructuredFieldType>([
  ...signingDictionaries.map(name => [name, 'dictionary'] as const),
  ['accept-signature', 'dictionary'],
  ['cache-status', 'list'],
  ['capsule-protocol', 'item'],
  ['cdn-cache-control', 'dictionary'],
  ['client-cert', 'item'],
  ['client-cert-chain', 'list'],
  ['deprecation', 'item'],
  ['proxy-status', 'list'],
])

/** The type of a field that AAuth lets a signature cover with `sf`; undefined for other fields. */
export function signingFieldType(name: string): StructuredFieldType | undefined {
  return signingDictionaries.includes(name) ? 'dictionary' : undefined
}

/** The type of a field, from `more` or the registry of this package; undefined when neither has it. */
export function structuredFieldType(name: string, more: StructuredFieldTypes = {}): StructuredFieldType | undefined {
  return Object.hasOwn(more, name) ? more[name] : known.get(name)
}

type Dictionary = ReturnType<typeof parseDictionary>

function parseStrictly<T>(text: string, parse: (text: string) => T, held: (value: T) => number): T {
  let value: T
  try {
    value = parse(text)
  } catch (cause) {
    throw refusal('component_value_invalid', { about: 'it is not a Structured Field of its type', cause })
  }
  // The parser drops repeated parameters and rewrites 1.0: two readers could read two values.
  if (countParameters(text) !== held(value) || holdsMisreadNumber(text)) throw refusal('component_value_invalid')
  return value
}

/**
 * Reads a Dictionary that can be read in one way only: no member and no parameter twice.
 * @throws HttpSigError `invalid_signature`
 */
export function singleReadingDictionary(text: string): Dictionary {
  const members = parseStrictly(text, parseDictionary, value =>
    [...value.values()].reduce((sum, member) => sum + heldParameters(member), 0),
  )
  if (members.size > 0 && countMembers(text) !== members.size) throw refusal('component_value_invalid')
  return members
}

/**
 * A List or Item in its strict serialisation, which `sf` requires.
 * @throws HttpSigError `invalid_signature` when the text is not of that type, or can be read in two ways
 * @see RFC 9421 §2.1.1
 */
export function strictlySerialized(text: string, type: 'list' | 'item'): string {
  if (type === 'list')
    return serializeList(
      parseStrictly(text, parseList, value => value.reduce((sum, member) => sum + heldParameters(member), 0)),
    )
  return serializeItem(parseStrictly(text, parseItem, value => value[1].size))
}
