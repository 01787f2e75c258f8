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

const quote = 0x22
const colon = 0x3a
const openers = { brace: 0x7b, bracket: 0x5b }
const closers = { brace: 0x7d, bracket: 0x5d }

/**
 * One pass over the text for what JSON.parse does not tell: depth, names used twice, escaped lone surrogates.
 * It need not know the grammar: what it misreads in a malformed text, JSON.parse refuses afterwards.
 */
function scan(json: string, maxDepth: number): { hasProto: boolean } {
  const names: Array<Set<string> | undefined> = []
  let hasProto = false
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === openers.brace || code === openers.bracket) {
      names.push(code === openers.brace ? new Set() : undefined)
      // A recursive reader of a deep text would overflow its stack.
      if (names.length > maxDepth) throw new SyntaxError('JSON text is nested too deep')
    } else if (code === closers.brace || code === closers.bracket) names.pop()
    else if (code === quote) {
      const end = endOfString(json, at)
      const isName = json.charCodeAt(skipSpace(json, end + 1)) === colon
      const escaped = json.slice(at, end).includes('\\')
      if (isName || escaped) {
        const value = escaped ? stringValue(json.slice(at, end + 1)) : json.slice(at + 1, end)
        if (isName) {
          // Two readers of one text must not see two different members.
          if (names.at(-1)?.has(value)) throw new SyntaxError('JSON text names a member twice')
          names.at(-1)?.add(value)
          hasProto ||= value === '__proto__'
        }
      }
      at = end
    }
  }
  return { hasProto }
}

function endOfString(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let backslashes = 0
    while (json[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at
  }
  throw new SyntaxError('JSON text has a string without end')
}

function skipSpace(json: string, start: number): number {
  let at = start
  while (' \t\n\r'.includes(json[at] ?? 'x')) at++
  return at
}

function stringValue(literal: string): string {
  const value = String(parse(literal))
  if (loneSurrogate.test(value)) throw new SyntaxError('JSON text has a lone surrogate')
  return value
}
