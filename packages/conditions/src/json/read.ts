import { foldedName } from '@countersign/protocol/internal'
import {
  type Cursor,
  checkEnd,
  closingOf,
  cursorOf,
  deeper,
  goesOn,
  openBrace,
  openBracket,
  opens,
  readWrittenName,
  repeated,
  skipScalar,
  skipSpace,
  stringOf,
} from './scan.js'

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

/**
 * Reads the JSON of a request that is judged or shown. What it keeps is the text itself. A server that ignores case would read `Amount`
 * where `amount` was judged: names that are equal when folded name a member twice.
 * @throws SyntaxError for what is no UTF-8, has a byte order mark, names a member twice, is deeper than `maxJsonDepth`, or is no JSON
 * @see protocol §9.2, RFC 8259
 */
export function readRequestJson(bytes: Uint8Array): { readonly text: string; readonly root: JsonNode } {
  const cursor = cursorOf(bytes)
  const root = readValue(cursor, 0)
  checkEnd(cursor)
  return { text: cursor.text, root }
}

function readValue(cursor: Cursor, depth: number): JsonNode {
  const char = skipSpace(cursor)
  if (char === openBrace) return readObject(cursor, deeper(depth))
  if (char === openBracket) return readArray(cursor, deeper(depth))
  const start = cursor.at
  return { kind: skipScalar(cursor, char), start, end: cursor.at }
}

function readObject(cursor: Cursor, depth: number): JsonObject {
  const start = cursor.at
  const members: JsonMember[] = []
  const names = new Set<string>()
  for (let more = opens(cursor); more; more = goesOn(cursor, closingOf(openBrace))) {
    const written = readWrittenName(cursor)
    const name = stringOf(written)
    names.add(foldedName(name))
    members.push({ name, written, value: readValue(cursor, depth) })
  }
  // One reader keeps the first, another the last: what was judged might not be what is used.
  if (names.size !== members.length) throw repeated() // policy.folded
  return { kind: 'object', start, end: cursor.at, members }
}

function readArray(cursor: Cursor, depth: number): JsonArray {
  const start = cursor.at
  const elements: JsonNode[] = []
  for (let more = opens(cursor); more; more = goesOn(cursor, closingOf(openBracket)))
    elements.push(readValue(cursor, depth))
  return { kind: 'array', start, end: cursor.at, elements }
}
