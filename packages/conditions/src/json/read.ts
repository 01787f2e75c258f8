import { foldedName } from '@countersign/protocol/internal'

/** A JSON value and where it stands in its text; nothing of it is converted. */
export type JsonNode = JsonObject | JsonArray | JsonScalar

interface Span {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export interface JsonObject extends Span {
  readonly kind: 'object'
  readonly members: readonly JsonMember[]
}

export interface JsonMember {
  /** Without its escapes. */
  readonly name: string
  /** As it is written, quotes included. */
  readonly written: string
  readonly value: JsonNode
}

export interface JsonArray extends Span {
  readonly kind: 'array'
  readonly elements: readonly JsonNode[]
}

export interface JsonScalar extends Span {
  readonly kind: 'string' | 'number' | 'literal'
}

/** The deepest arrays and objects. @see protocol §9 */
export const maxJsonDepth = 64

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const literal = /true|false|null/y
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/**
 * Reads one JSON text. What it keeps is the text itself, so that what is let through stays byte for byte what was written.
 * @throws SyntaxError for what is no UTF-8, has a byte order mark, names a member twice, is deeper than {@link maxJsonDepth}, or is no JSON
 * @see RFC 8259
 */
export function readJson(bytes: Uint8Array): { readonly text: string; readonly root: JsonNode } {
  const text = decode(bytes)
  return { text, root: readText(text, name => name) }
}

/**
 * Reads the JSON of a request that is judged or shown. A server that ignores case would read `Amount` where `amount` was judged: as
 * {@link readJson}, and names that are equal when folded name a member twice.
 * @throws SyntaxError
 * @see protocol §9.2
 */
export function readRequestJson(bytes: Uint8Array): { readonly text: string; readonly root: JsonNode } {
  const text = decode(bytes)
  return { text, root: readText(text, foldedName) }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new SyntaxError('JSON text is not UTF-8', { cause })
  }
}

/** How far a text was read. */
interface Cursor {
  readonly text: string
  at: number
  /** The same for names of one member. */
  readonly keyOf: (name: string) => string
}

function readText(text: string, keyOf: Cursor['keyOf']): JsonNode {
  const cursor = { text, at: 0, keyOf }
  const root = readValue(cursor, 0)
  skipSpace(cursor)
  if (cursor.at !== text.length) throw malformed()
  return root
}

/** @returns the character after white space; not a number at the end */
function skipSpace(cursor: Cursor): number {
  for (;;) {
    const char = cursor.text.charCodeAt(cursor.at)
    if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return char
    cursor.at++
  }
}

function readValue(cursor: Cursor, depth: number): JsonNode {
  const char = skipSpace(cursor)
  if (char === openBrace || char === openBracket) {
    // A deep text would overflow the stack.
    if (depth === maxJsonDepth) throw new SyntaxError('JSON text is nested too deep')
    return char === openBrace ? readObject(cursor, depth + 1) : readArray(cursor, depth + 1)
  }
  const { text, at: start } = cursor
  const isNumber = char === 0x2d || (char >= 0x30 && char <= 0x39)
  const end = char === quote ? endOfString(text, start) : endOf(isNumber ? number : literal, text, start)
  cursor.at = end
  return { kind: char === quote ? 'string' : isNumber ? 'number' : 'literal', start, end }
}

function readObject(cursor: Cursor, depth: number): JsonObject {
  const start = cursor.at++
  const members: JsonMember[] = []
  if (isEmpty(cursor, closeBrace)) return { kind: 'object', start, end: cursor.at, members }
  const names = new Set<string>()
  do {
    const member = readMember(cursor, depth)
    names.add(cursor.keyOf(member.name))
    members.push(member)
  } while (goesOn(cursor, closeBrace))
  // One reader keeps the first, another the last: what was judged might not be what is used.
  if (names.size !== members.length) throw new SyntaxError('JSON text names a member twice') // policy.folded
  return { kind: 'object', start, end: cursor.at, members }
}

function readMember(cursor: Cursor, depth: number): JsonMember {
  if (skipSpace(cursor) !== quote) throw malformed()
  const start = cursor.at
  cursor.at = endOfString(cursor.text, start)
  const written = cursor.text.slice(start, cursor.at)
  if (skipSpace(cursor) !== colon) throw malformed()
  cursor.at++
  return { name: stringOf(written), written, value: readValue(cursor, depth) }
}

function readArray(cursor: Cursor, depth: number): JsonArray {
  const start = cursor.at++
  const elements: JsonNode[] = []
  if (isEmpty(cursor, closeBracket)) return { kind: 'array', start, end: cursor.at, elements }
  do elements.push(readValue(cursor, depth))
  while (goesOn(cursor, closeBracket))
  return { kind: 'array', start, end: cursor.at, elements }
}

function isEmpty(cursor: Cursor, close: number): boolean {
  if (skipSpace(cursor) !== close) return false
  cursor.at++
  return true
}

/** Whether a list goes on after one of its entries. */
function goesOn(cursor: Cursor, close: number): boolean {
  const char = skipSpace(cursor)
  cursor.at++
  if (char === comma) return true
  if (char === close) return false
  throw malformed()
}

/** @returns the place after a string that begins at `start` */
function endOfString(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const char = text.charCodeAt(at)
    if (char === quote) return at + 1
    // NaN behind the end of the text.
    if (!(char >= 0x20)) throw malformed()
    at = char === backslash ? endOf(escapeSequence, text, at) : at + 1
  }
}

function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start
  if (!pattern.test(text)) throw malformed()
  return pattern.lastIndex
}

/** The value of a string as it is written, quotes included. */
export function stringOf(written: string): string {
  return written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1)
}

// Without a place: the message must not quote what it may not show.
function malformed(): SyntaxError {
  return new SyntaxError('the text is not JSON')
}
