/** A token of a structured field, which is no string. */
export class Token {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/** What an item of a structured field is. @see RFC 9651 */
export type BareItem = string | number | boolean | Token | Buffer

/** Parameters, in their order. */
export type Parameters = ReadonlyMap<string, BareItem>

/** An item with its parameters. */
export type Item = readonly [BareItem, Parameters]

/** A member of a dictionary: an item or an inner list, with its parameters. */
export type Member = readonly [BareItem | readonly Item[], Parameters]

/** Reads one item. @throws SyntaxError */
export function parseItem(text: string): Item {
  const reader = open(text)
  reader.take(/ */y)
  const item = readItem(reader)
  reader.take(/ */y)
  if (!reader.isEnd()) throw unreadable()
  return item
}

/** Reads a dictionary; a member that comes again replaces the first. @throws SyntaxError */
export function parseDictionary(text: string): Map<string, Member> {
  const reader = open(text)
  const members = new Map<string, Member>()
  reader.take(/ */y)
  while (!reader.isEnd()) {
    members.set(reader.need(keyForm), readMember(reader))
    reader.take(/[ \t]*/y)
    if (reader.isEnd()) break
    reader.need(/,[ \t]*/y)
    if (reader.isEnd()) throw unreadable()
  }
  return members
}

/** Text that is read from its beginning. */
interface Reader {
  isEnd(): boolean
  /** What a sticky pattern matches here; undefined where it does not. */
  take(pattern: RegExp): string | undefined
  /** The same; throws where it does not. */
  need(pattern: RegExp): string
}

function open(text: string): Reader {
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const [found] = pattern.exec(text) ?? []
    at += found?.length ?? 0
    return found
  }
  return {
    isEnd: () => at === text.length,
    take,
    need(pattern) {
      const found = take(pattern)
      if (found === undefined) throw unreadable()
      return found
    },
  }
}

const keyForm = /[a-z*][a-z0-9_.*-]*/y

function readMember(reader: Reader): Member {
  if (reader.take(/=/y) === undefined) return [true, readParameters(reader)]
  if (reader.take(/\(/y) === undefined) return readItem(reader)
  const items: Item[] = []
  reader.take(/ */y)
  while (reader.take(/\)/y) === undefined) {
    items.push(readItem(reader))
    if (reader.take(/ +/y) === undefined) {
      reader.need(/\)/y)
      break
    }
  }
  return [items, readParameters(reader)]
}

function readItem(reader: Reader): Item {
  return [readBareItem(reader), readParameters(reader)]
}

function readParameters(reader: Reader): Parameters {
  const parameters = new Map<string, BareItem>()
  while (reader.take(/; */y) !== undefined) {
    const key = reader.need(keyForm)
    parameters.set(key, reader.take(/=/y) === undefined ? true : readBareItem(reader))
  }
  return parameters
}

function readBareItem(reader: Reader): BareItem {
  const string = reader.take(/"(?:[ !#-[\]-~]|\\["\\])*"/y)
  if (string !== undefined) return string.slice(1, -1).replace(/\\(.)/g, '$1')
  const display = reader.take(/%"(?:[ !#-$&-~]|%[0-9a-f]{2})*"/y)
  if (display !== undefined) return decodeURIComponent(display.slice(2, -1))
  const bytes = reader.take(/:[A-Za-z0-9+/]*={0,2}:/y)
  if (bytes !== undefined) return Buffer.from(bytes.slice(1, -1), 'base64')
  const number = reader.take(/-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})(?![0-9.])/y)
  if (number !== undefined) return Number(number)
  const date = reader.take(/@-?[0-9]{1,15}(?![0-9.])/y)
  if (date !== undefined) return Number(date.slice(1))
  const boolean = reader.take(/\?[01]/y)
  if (boolean !== undefined) return boolean === '?1'
  return new Token(reader.need(/[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y))
}

function unreadable(): SyntaxError {
  return new SyntaxError('it is no structured field')
}
