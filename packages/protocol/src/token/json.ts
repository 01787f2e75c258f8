import { checkOptionsOffPage, type OptionChecks, offPage } from '../internal/check-options.js'

/** Limits of a JSON text. */
export interface JsonLimits {
  /** Depth of arrays and objects; default 16. */
  readonly maxDepth?: number
  /** Length of the text, in bytes (of a string: in UTF-16 units); default: no limit. */
  readonly maxBytes?: number
}

// Made once: frozen limits are known by it to have been checked.
const checks: OptionChecks<JsonLimits> = { maxDepth: 'number', maxBytes: 'number' }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const loneSurrogate = /\p{Surrogate}/u

/**
 * Reads JSON that can be read in one way only. Refuses invalid UTF-8, a byte order mark, repeated members, lone surrogates (also
 * escaped ones) and too deep nesting; drops members named `__proto__`.
 * @throws SyntaxError
 * @see protocol §5, RFC 7493
 */
export function parseJson(text: string | Uint8Array, limits: JsonLimits = {}): unknown {
  // A misspelt limit would be ignored.
  checkOptionsOffPage('parseJson', limits, checks)
  if (text.length > (limits.maxBytes ?? Number.POSITIVE_INFINITY)) throw wrongJson(offPage && 'JSON text is too long')
  const json = typeof text === 'string' ? text : decode(text)
  if (typeof text === 'string' && loneSurrogate.test(json)) throw wrongJson(offPage && 'JSON text has a lone surrogate')
  const { members, hasEscapes } = scan(json, limits.maxDepth ?? 16)
  const value = parse(json)
  // JSON.parse keeps the last of two equal members, where another reader may keep the first: then it has fewer than were written.
  if (countMembers(value, hasEscapes) !== members) throw wrongJson(offPage && 'JSON text names a member twice')
  return value
}

function wrongJson(description: string | false, cause?: unknown): SyntaxError {
  return new SyntaxError(description || 'wrong JSON', cause === undefined ? undefined : { cause })
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // Without the cause: the engine's message quotes the text, which may be that of a token.
    throw wrongJson(offPage && 'the text is not JSON')
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw wrongJson(offPage && 'JSON text is not UTF-8', cause)
  }
}

const quote = 0x22
const colon = 0x3a
const brace = 0x7b
const endBrace = 0x7d
const bracket = 0x5b
const endBracket = 0x5d

/**
 * Counts the members (by their colons) and checks the depth, which JSON.parse does not tell. It may misread malformed text, which
 * JSON.parse refuses afterwards.
 */
function scan(json: string, maxDepth: number): { members: number; hasEscapes: boolean } {
  const hasEscapes = json.includes('\\')
  let depth = 0
  let members = 0
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at)
    if (char === quote) at = endOfString(json, at, hasEscapes)
    else if (char === colon) members++
    else if (char === brace || char === bracket) {
      // A deep text would overflow the stack of a recursive reader.
      if (++depth > maxDepth) throw wrongJson(offPage && 'JSON text is nested too deep')
    } else if (char === endBrace || char === endBracket) depth--
  }
  return { members, hasEscapes }
}

function endOfString(json: string, start: number, hasEscapes: boolean): number {
  for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let backslashes = 0
    if (hasEscapes) while (json[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at
  }
  throw wrongJson(offPage && 'JSON text has a string without end')
}

/** Counts the members of a parsed value, refuses escaped lone surrogates, and removes `__proto__`. */
function countMembers(value: unknown, hasEscapes: boolean): number {
  if (typeof value === 'string') {
    if (hasEscapes && loneSurrogate.test(value)) throw wrongJson(offPage && 'JSON text has a lone surrogate')
    return 0
  }
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += countMembers(item, hasEscapes)
    return members
  }
  const object = value as Record<string, unknown>
  for (const name of Object.keys(object)) {
    members += 1 + countMembers(name, hasEscapes) + countMembers(object[name], hasEscapes)
    // JSON.parse is safe, but a later Object.assign would set the prototype.
    if (name === '__proto__') delete object[name]
  }
  return members
}
