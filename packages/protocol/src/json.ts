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
  if (text.length > (limits.maxBytes ?? Number.POSITIVE_INFINITY)) throw new SyntaxError('JSON text is too long')
  const json = typeof text === 'string' ? text : decode(text)
  if (typeof text === 'string' && loneSurrogate.test(json)) throw new SyntaxError('JSON text has a lone surrogate')
  const { hasProto } = scan(json, limits.maxDepth ?? 16)
  // JSON.parse itself is safe, but a later Object.assign of an own __proto__ member would swap a prototype.
  return parse(json, hasProto ? dropProto : undefined)
}

function parse(json: string, revive?: (name: string, value: unknown) => unknown): unknown {
  try {
    return JSON.parse(json, revive)
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

function dropProto(name: string, value: unknown): unknown {
  return name === '__proto__' ? undefined : value
}

const code = { quote: 0x22, colon: 0x3a, brace: 0x7b, endBrace: 0x7d, bracket: 0x5b, endBracket: 0x5d } as const

/**
 * One pass over the text for what JSON.parse does not tell: depth, names used twice, escaped lone surrogates.
 * It need not know the grammar: what it misreads in a malformed text, JSON.parse refuses afterwards.
 */
function scan(json: string, maxDepth: number): { hasProto: boolean } {
  const hasEscapes = json.includes('\\')
  const open: Array<Set<string> | undefined> = []
  let hasProto = false
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at)
    if (char === code.quote) {
      const end = endOfString(json, at, hasEscapes)
      const isName = isColonNext(json, end + 1)
      if (isName || hasEscapes) {
        const value = hasEscapes ? stringValue(json.slice(at, end + 1)) : json.slice(at + 1, end)
        if (isName) {
          const names = open.at(-1)
          // Two readers of one text must not see two different members.
          if (names?.has(value)) throw new SyntaxError('JSON text names a member twice')
          names?.add(value)
          hasProto ||= value === '__proto__'
        }
      }
      at = end
    } else if (char === code.brace || char === code.bracket) {
      open.push(char === code.brace ? new Set() : undefined)
      // A recursive reader of a deep text would overflow its stack.
      if (open.length > maxDepth) throw new SyntaxError('JSON text is nested too deep')
    } else if (char === code.endBrace || char === code.endBracket) open.pop()
  }
  return { hasProto }
}

function endOfString(json: string, start: number, hasEscapes: boolean): number {
  for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let backslashes = 0
    if (hasEscapes) while (json[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at
  }
  throw new SyntaxError('JSON text has a string without end')
}

function isColonNext(json: string, start: number): boolean {
  let at = start
  while (json[at] === ' ' || json[at] === '\t' || json[at] === '\n' || json[at] === '\r') at++
  return json.charCodeAt(at) === code.colon
}

/** What a string literal stands for. */
function stringValue(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1)
  const value = String(parse(literal))
  if (loneSurrogate.test(value)) throw new SyntaxError('JSON text has a lone surrogate')
  return value
}
