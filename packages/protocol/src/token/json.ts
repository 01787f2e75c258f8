import { checkOptionsOffPage } from '../internal/check-options.js'
/** What a JSON text may cost. */
export interface JsonLimits {
  /** Arrays and objects inside each other; default 16. */
  readonly maxDepth?: number
  /** Length of the text, in bytes (of a string: in UTF-16 units); default: no limit. */
  readonly maxBytes?: number
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const loneSurrogate = /\p{Surrogate}/u

/**
 * Reads JSON as a security protocol must: one meaning per text. Refuses invalid UTF-8, a byte order mark, a member named
 * twice, lone surrogates (also escaped ones), and what is nested too deep; drops members named `__proto__`.
 * @throws SyntaxError
 * @see protocol.md §5, RFC 7493
 */
export function parseJson(text: string | Uint8Array, limits: JsonLimits = {}): unknown {
  // A misspelt bound would be none.
  checkOptionsOffPage('parseJson', limits, { maxDepth: 'number', maxBytes: 'number' })
  if (text.length > (limits.maxBytes ?? Number.POSITIVE_INFINITY)) throw new SyntaxError('JSON text is too long')
  const json = typeof text === 'string' ? text : decode(text)
  if (typeof text === 'string' && loneSurrogate.test(json)) throw new SyntaxError('JSON text has a lone surrogate')
  const { members, hasEscapes } = scan(json, limits.maxDepth ?? 16)
  const value = parse(json)
  // Two readers of one text must not see two different members: JSON.parse keeps the last, and then there are fewer than were written.
  if (settle(value, hasEscapes) !== members) throw new SyntaxError('JSON text names a member twice')
  return value
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // The engine's own message quotes the text, and the text may be a token's: it goes no further.
    throw new SyntaxError('the text is not JSON')
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new SyntaxError('JSON text is not UTF-8', { cause })
  }
}

const code = { quote: 0x22, colon: 0x3a, brace: 0x7b, endBrace: 0x7d, bracket: 0x5b, endBracket: 0x5d } as const

/**
 * One pass over the text for what JSON.parse does not tell: depth, and how many members were written, each with one colon.
 * It need not know the grammar: what it misreads in a malformed text, JSON.parse refuses afterwards.
 */
function scan(json: string, maxDepth: number): { members: number; hasEscapes: boolean } {
  const hasEscapes = json.includes('\\')
  let depth = 0
  let members = 0
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at)
    if (char === code.quote) at = endOfString(json, at, hasEscapes)
    else if (char === code.colon) members++
    else if (char === code.brace || char === code.bracket) {
      // A recursive reader of a deep text would overflow its stack.
      if (++depth > maxDepth) throw new SyntaxError('JSON text is nested too deep')
    } else if (char === code.endBrace || char === code.endBracket) depth--
  }
  return { members, hasEscapes }
}

function endOfString(json: string, start: number, hasEscapes: boolean): number {
  for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let backslashes = 0
    if (hasEscapes) while (json[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at
  }
  throw new SyntaxError('JSON text has a string without end')
}

/** Counts the members in a value just parsed, and puts right what may stand in one: no escaped lone surrogate, no `__proto__`. */
function settle(value: unknown, hasEscapes: boolean): number {
  if (typeof value === 'string') {
    if (hasEscapes && loneSurrogate.test(value)) throw new SyntaxError('JSON text has a lone surrogate')
    return 0
  }
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += settle(item, hasEscapes)
    return members
  }
  const object = value as Record<string, unknown>
  for (const name of Object.keys(object)) {
    members += 1 + settle(name, hasEscapes) + settle(object[name], hasEscapes)
    // JSON.parse itself is safe, but a later Object.assign of an own member of this name would swap a prototype.
    if (name === '__proto__') delete object[name]
  }
  return members
}
