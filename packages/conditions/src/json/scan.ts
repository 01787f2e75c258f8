/** The deepest arrays and objects. @see protocol §9 */
export const maxJsonDepth = 64

/** How far a text was read. */
export interface Cursor {
  readonly text: string
  at: number
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
export const openBrace = 0x7b
const closeBrace = 0x7d
export const openBracket = 0x5b
const closeBracket = 0x5d
const minus = 0x2d
const plus = 0x2b
const dot = 0x2e
const zero = 0x30
const nine = 0x39
const letterE = 0x65
const lowerCase = 0x20

const literals: readonly string[] = ['true', 'false', 'null']
const letterU = 0x75
/** By character code: what may follow a backslash, but for `u`. */
const isEscaped: readonly boolean[] = Array.from({ length: 128 }, (_, code) =>
  '"\\/bfnrt'.includes(String.fromCharCode(code)),
)
const hexDigits = /[0-9a-fA-F]{4}/y

/**
 * A text to read: one JSON value, see {@link atEnd}.
 * @throws SyntaxError for what is no UTF-8
 */
export function cursorOf(bytes: Uint8Array): Cursor {
  try {
    return { text: utf8.decode(bytes), at: 0 }
  } catch (cause) {
    throw new SyntaxError('JSON text is not UTF-8', { cause })
  }
}

/** @throws SyntaxError where more than white space follows */
export function checkEnd(cursor: Cursor): void {
  skipSpace(cursor)
  if (cursor.at !== cursor.text.length) throw malformed()
}

/** @returns the character after white space; not a number at the end */
export function skipSpace(cursor: Cursor): number {
  for (;;) {
    const char = cursor.text.charCodeAt(cursor.at)
    if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return char
    cursor.at++
  }
}

/** The depth within an array or object. @throws SyntaxError at {@link maxJsonDepth}: a deeper text would overflow the stack */
export function deeper(depth: number): number {
  if (depth === maxJsonDepth) throw new SyntaxError('JSON text is nested too deep')
  return depth + 1
}

/** Reads over a value. @throws SyntaxError for what is no JSON, is too deep, or names a member twice */
export function skipValue(cursor: Cursor, depth: number): void {
  const char = skipSpace(cursor)
  if (char === openBrace) {
    const within = deeper(depth)
    const names = distinctNames()
    for (let more = opens(cursor); more; more = goesOn(cursor, closeBrace)) {
      names.add(readName(cursor))
      skipValue(cursor, within)
    }
  } else if (char === openBracket) {
    const within = deeper(depth)
    for (let more = opens(cursor); more; more = goesOn(cursor, closeBracket)) skipValue(cursor, within)
  } else skipScalar(cursor, char)
}

/** Reads over a string, number or literal that begins with `char`. */
export function skipScalar(cursor: Cursor, char: number): 'string' | 'number' | 'literal' {
  const { text, at } = cursor
  if (char === quote) {
    cursor.at = endOfString(text, at)
    return 'string'
  }
  if (char === minus || isDigit(char)) {
    cursor.at = endOfNumber(text, at)
    return 'number'
  }
  const literal = literals.find(one => text.startsWith(one, at))
  if (literal === undefined) throw malformed()
  cursor.at = at + literal.length
  return 'literal'
}

/** Reads the beginning of an object or array. @returns whether something is in it; otherwise its end is read, too */
export function opens(cursor: Cursor): boolean {
  // A closing character of the other kind is no value, and is refused as that.
  const close = cursor.text.charCodeAt(cursor.at++) === openBrace ? closeBrace : closeBracket
  if (skipSpace(cursor) !== close) return true
  cursor.at++
  return false
}

/** Whether an object or array goes on after a member or element. */
export function goesOn(cursor: Cursor, close: number): boolean {
  const char = skipSpace(cursor)
  cursor.at++
  if (char === comma) return true
  if (char === close) return false
  throw malformed()
}

/** The closing character of what a character opens. */
export function closingOf(open: number): number {
  return open === openBrace ? closeBrace : closeBracket
}

/** Reads the name of a member as it is written, and the colon. */
export function readWrittenName(cursor: Cursor): string {
  if (skipSpace(cursor) !== quote) throw malformed()
  const start = cursor.at
  cursor.at = endOfString(cursor.text, start)
  const written = cursor.text.slice(start, cursor.at)
  if (skipSpace(cursor) !== colon) throw malformed()
  cursor.at++
  return written
}

function readName(cursor: Cursor): string {
  return stringOf(readWrittenName(cursor))
}

/** The value of a string as it is written, quotes included. */
export function stringOf(written: string): string {
  return written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1)
}

/** The names of one object. */
export interface DistinctNames {
  /** @throws SyntaxError for a name that comes twice: one reader keeps the first, another the last */
  add(name: string): void
}

/** Up to this many names are compared one by one: most objects have few, and a set costs more than the rest of them. */
const fewNames = 8

class Names implements DistinctNames {
  // bound: one call
  #few: string[] | undefined
  #all: Set<string> | undefined

  add(name: string): void {
    if (this.#all !== undefined) {
      if (this.#all.has(name)) throw repeated()
      this.#all.add(name)
    } else if (this.#few === undefined) this.#few = [name]
    else {
      if (this.#few.includes(name)) throw repeated()
      // bound: one call
      if (this.#few.push(name) > fewNames) this.#all = new Set(this.#few)
    }
  }
}

export function distinctNames(): DistinctNames {
  return new Names()
}

export function repeated(): SyntaxError {
  return new SyntaxError('JSON text names a member twice')
}

/** @returns the place after a string that begins at `start` */
function endOfString(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const char = text.charCodeAt(at)
    if (char === quote) return at + 1
    // NaN behind the end of the text.
    if (!(char >= 0x20)) throw malformed()
    at = char === backslash ? endOfEscape(text, at) : at + 1
  }
}

function endOfEscape(text: string, start: number): number {
  const char = text.charCodeAt(start + 1)
  if (isEscaped[char] === true) return start + 2
  hexDigits.lastIndex = start + 2
  if (char !== letterU || !hexDigits.test(text)) throw malformed()
  return start + 6
}

/** @returns the place after a number that begins at `start` */
function endOfNumber(text: string, start: number): number {
  const first = text.charCodeAt(start) === minus ? start + 1 : start
  let at = text.charCodeAt(first) === zero ? first + 1 : endOfDigits(text, first)
  if (text.charCodeAt(at) === dot) at = endOfDigits(text, at + 1)
  if ((text.charCodeAt(at) | lowerCase) !== letterE) return at
  const sign = text.charCodeAt(at + 1)
  return endOfDigits(text, sign === plus || sign === minus ? at + 2 : at + 1)
}

/** @throws SyntaxError where there is no digit */
function endOfDigits(text: string, start: number): number {
  let at = start
  while (isDigit(text.charCodeAt(at))) at++
  if (at === start) throw malformed()
  return at
}

function isDigit(char: number): boolean {
  return char >= zero && char <= nine
}

// Without a place: the message must not quote what it may not show.
function malformed(): SyntaxError {
  return new SyntaxError('the text is not JSON')
}
