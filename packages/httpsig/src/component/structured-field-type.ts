import {
  parseDictionary,
  parseItem,
  parseList,
  serializeDictionary,
  serializeItem,
  serializeList,
} from 'structured-headers'
import { countMembers, countParameters, heldParameters, holdsMisreadNumber, malformed } from './structured-field.js'

/** The type that the definition of a Structured Field gives it. */
export type StructuredFieldType = 'dictionary' | 'list' | 'item'

/** Types of fields by lower-case name. */
export type StructuredFieldTypes = Readonly<Record<string, StructuredFieldType>>

// RFC 9421, 9530, 9218, 9211, 9209, 9213, 9440, 9297, 9745 and Signature-Key.
const known: ReadonlyMap<string, StructuredFieldType> = new Map([
  ['accept-signature', 'dictionary'],
  ['cache-status', 'list'],
  ['capsule-protocol', 'item'],
  ['cdn-cache-control', 'dictionary'],
  ['client-cert', 'item'],
  ['client-cert-chain', 'list'],
  ['content-digest', 'dictionary'],
  ['deprecation', 'item'],
  ['priority', 'dictionary'],
  ['proxy-status', 'list'],
  ['repr-digest', 'dictionary'],
  ['signature', 'dictionary'],
  ['signature-input', 'dictionary'],
  ['signature-key', 'dictionary'],
  ['want-content-digest', 'dictionary'],
  ['want-repr-digest', 'dictionary'],
])

/** The type of a field, from the registry here or `more`; undefined when nobody says. */
export function structuredFieldType(name: string, more: StructuredFieldTypes = {}): StructuredFieldType | undefined {
  return Object.hasOwn(more, name) ? more[name] : known.get(name)
}

type Dictionary = ReturnType<typeof parseDictionary>

function onlyReading<T>(text: string, parse: (text: string) => T, held: (value: T) => number): T {
  let value: T
  try {
    value = parse(text)
  } catch (cause) {
    throw malformed('a component covered with sf or key is not a Structured Field of its type', cause)
  }
  // What a parser collapses (a repeated parameter) or rewrites (1.0), two readers would read differently.
  if (countParameters(text) !== held(value) || holdsMisreadNumber(text))
    throw malformed('a component covered with sf or key has no single reading')
  return value
}

/**
 * Reads a Dictionary that has exactly one reading: no member and no parameter twice.
 * @throws HttpSigError `invalid_signature`
 */
export function singleReadingDictionary(text: string): Dictionary {
  const members = onlyReading(text, parseDictionary, value =>
    [...value.values()].reduce((sum, member) => sum + heldParameters(member), 0),
  )
  if (members.size > 0 && countMembers(text) !== members.size)
    throw malformed('a component covered with sf or key has no single reading')
  return members
}

/**
 * A Structured Field in its strict serialisation, as `sf` asks.
 * @throws HttpSigError `invalid_signature` when the text is not of that type or reads two ways
 * @see RFC 9421 §2.1.1
 */
export function strictlySerialized(text: string, type: StructuredFieldType): string {
  if (type === 'dictionary') return serializeDictionary(singleReadingDictionary(text))
  if (type === 'list')
    return serializeList(
      onlyReading(text, parseList, value => value.reduce((sum, member) => sum + heldParameters(member), 0)),
    )
  return serializeItem(onlyReading(text, parseItem, value => value[1].size))
}
