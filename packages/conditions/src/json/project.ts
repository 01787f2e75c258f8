import { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { type Place, placesOf } from './place.js'
import {
  type Cursor,
  checkEnd,
  closingOf,
  cursorOf,
  deeper,
  distinctNames,
  goesOn,
  openBrace,
  openBracket,
  opens,
  readWrittenName,
  skipSpace,
  skipValue,
  stringOf,
} from './scan.js'

/**
 * The JSON text with nothing in it but what every one of the lists of pointers names. Other members go, other elements become `null`;
 * objects and arrays on the way stay, also where nothing is left in them. What is let through stays byte for byte.
 * @param bytes one JSON object or array in UTF-8, without byte order mark
 * @param lists the `fields` of each `data` condition; without lists the text is checked and stays
 * @throws AAuthError `policy_denied`, reason `answer_withheld`, for what is no such text, names a member twice or is deeper than 64
 * @see protocol §9
 * @example
 * ```ts
 * import { projectJson } from '@countersign/conditions'
 *
 * const text = new TextEncoder().encode('{"items":[{"id":1,"title":"a"}],"next":null}')
 * const projected = projectJson(text, [['/items/*\/title']]) // {"items":[{"title":"a"}]}
 * ```
 */
export function projectJson(bytes: Uint8Array, lists: ReadonlyArray<readonly string[]>): Uint8Array<ArrayBuffer> {
  const projection = new Projection(lists)
  try {
    return new TextEncoder().encode(projection.of(bytes))
  } catch (error) {
    // Without the cause, which could say something of the answer.
    throw error instanceof AAuthError
      ? error
      : refusal('answer_withheld', { about: 'it is no JSON that can be read in one way only' })
  }
}

/** Reads a text once, and writes what is let through: what stays together goes out as one piece. */
class Projection {
  readonly #root: Place
  #cursor: Cursor = { text: '', at: 0 }
  // bound: one call
  readonly #pieces: string[] = []
  /** The part of the text that is let through, and not among the pieces yet. */
  #from = 0
  #to = 0
  /** Elements after it of which nothing is let through. */
  #nulls = 0

  constructor(lists: ReadonlyArray<readonly string[]>) {
    this.#root = placesOf(lists)
  }

  /** @throws AAuthError, SyntaxError */
  of(bytes: Uint8Array): string {
    this.#cursor = cursorOf(bytes)
    const char = skipSpace(this.#cursor)
    if (char !== openBrace && char !== openBracket) {
      skipValue(this.#cursor, 0)
      checkEnd(this.#cursor)
      throw refusal('answer_withheld', { about: 'it is neither an object nor an array' })
    }
    this.#write(char, this.#root, 0)
    checkEnd(this.#cursor)
    this.#flush()
    return this.#pieces.join('')
  }

  /** Writes what is let through of a value that begins with `char`; something is. */
  #write(char: number, place: Place, depth: number): void {
    if (place.kind === 'whole') {
      const start = this.#cursor.at
      skipValue(this.#cursor, depth)
      this.#keep(start, this.#cursor.at)
    } else if (char === openBrace) this.#writeObject(place, deeper(depth))
    else this.#writeArray(place, deeper(depth))
  }

  #writeObject(place: Place, depth: number): void {
    const cursor = this.#cursor
    this.#keep(cursor.at, cursor.at + 1)
    const names = distinctNames()
    let isFirst = true
    for (let more = opens(cursor); more; more = goesOn(cursor, closingOf(openBrace))) {
      const before = cursor.at - 1
      skipSpace(cursor)
      const start = cursor.at
      const written = readWrittenName(cursor)
      const colon = cursor.at - 1
      const name = stringOf(written)
      names.add(name)
      const child = place.member(name)
      const char = skipSpace(cursor)
      if (!isShown(child, char)) {
        skipValue(cursor, depth)
        continue
      }
      // A comma is before each member but the first, whatever was taken out between them.
      if (!isFirst) this.#keep(before, before + 1)
      isFirst = false
      this.#keep(start, start + written.length)
      this.#keep(colon, colon + 1)
      this.#write(char, child, depth)
    }
    this.#keep(cursor.at - 1, cursor.at)
  }

  #writeArray(place: Place, depth: number): void {
    const cursor = this.#cursor
    this.#keep(cursor.at, cursor.at + 1)
    let index = 0
    for (let more = opens(cursor); more; more = goesOn(cursor, closingOf(openBracket))) {
      const before = cursor.at - 1
      const child = place.element(index)
      const char = skipSpace(cursor)
      const shown = isShown(child, char)
      if (shown && index > 0) this.#keep(before, before + 1)
      if (shown) this.#write(char, child, depth)
      else {
        skipValue(cursor, depth)
        if (index > 0) this.#nulls++
        else this.#say('null')
      }
      index++
    }
    this.#keep(cursor.at - 1, cursor.at)
  }

  #keep(start: number, end: number): void {
    if (start === this.#to && this.#nulls === 0) {
      this.#to = end
      return
    }
    this.#flush()
    this.#from = start
    this.#to = end
  }

  #say(text: string): void {
    this.#flush()
    this.#pieces.push(text)
  }

  #flush(): void {
    if (this.#to > this.#from) this.#pieces.push(this.#cursor.text.slice(this.#from, this.#to))
    if (this.#nulls > 0) this.#pieces.push(',null'.repeat(this.#nulls))
    this.#from = this.#to = -1
    this.#nulls = 0
  }
}

/** Whether anything of a value that begins with `char` is let through: of a scalar on the way nothing is. */
function isShown({ kind }: Place, char: number): boolean {
  return kind === 'whole' || (kind === 'way' && (char === openBrace || char === openBracket))
}

/**
 * The same for a value that is parsed already, such as the `structuredContent` of an MCP tool result. The value itself is not changed.
 * @throws AAuthError as {@link projectJson} for what is neither an object nor an array, or is deeper than 64
 * @see protocol §9
 */
export function projectValue(value: unknown, lists: ReadonlyArray<readonly string[]>): unknown {
  const text = JSON.stringify(value)
  return JSON.parse(new TextDecoder().decode(projectJson(new TextEncoder().encode(text), lists)))
}
