/** A bare item of a structured field, with its one serialisation. @see RFC 9651 */
export interface Bare {
  readonly kind: 'string' | 'token' | 'integer' | 'decimal' | 'date' | 'bytes' | 'boolean' | 'display'
  readonly value: string | number | boolean | Buffer
  readonly text: string
}

/** Parameters, in their order. */
export type Parameters = ReadonlyMap<string, Bare>

export interface Item {
  readonly bare: Bare
  readonly parameters: Parameters
}

export interface InnerList {
  readonly items: readonly Item[]
  readonly parameters: Parameters
}

/** A member of a dictionary. */
export type Member = Item | InnerList

export function isInnerList(member: Member): member is InnerList {
  return 'items' in member
}

/** Reads a dictionary in which no label and no parameter comes twice. @throws SyntaxError */
export function readDictionary(text: string): ReadonlyMap<string, Member> {
  const reader = { text, at: 0 }
  const members = new Map<string, Member>()
  take(reader, / */y)
  while (reader.at < text.length) {
    const label = need(reader, keyForm)
    if (members.has(label)) throw new SyntaxError('a label comes twice')
    members.set(label, readMember(reader))
    take(reader, /[ \t]*/y)
    if (reader.at === text.length) return members
    need(reader, /,[ \t]*/y)
    if (reader.at === text.length) throw new SyntaxError('it ends with a comma')
  }
  return members
}

/** The parameters as they are serialised. @see RFC 9651 §4.1.1.2 */
export function parametersText(parameters: Parameters): string {
  return [...parameters].map(([name, { text }]) => `;${name}${text === '?1' ? '' : `=${text}`}`).join('')
}

/** A member as it is serialised. */
export function memberText(member: Member): string {
  if (!isInnerList(member)) return `${member.bare.text}${parametersText(member.parameters)}`
  return `(${member.items.map(memberText).join(' ')})${parametersText(member.parameters)}`
}

/** Text that is read from its beginning. */
interface Reader {
  readonly text: string
  at: number
}

const keyForm = /[a-z*][a-z0-9_.*-]*/y

function take(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at
  const [found] = pattern.exec(reader.text) ?? []
  reader.at += found?.length ?? 0
  return found
}

function need(reader: Reader, pattern: RegExp): string {
  const found = take(reader, pattern)
  if (found === undefined) throw new SyntaxError('it is no structured field')
  return found
}

function readMember(reader: Reader): Member {
  if (take(reader, /=/y) === undefined) return { bare: booleanOf('?1'), parameters: readParameters(reader) }
  if (take(reader, /\(/y) === undefined) return readItem(reader)
  const items: Item[] = []
  take(reader, / */y)
  while (take(reader, /\)/y) === undefined) {
    items.push(readItem(reader))
    if (take(reader, / +/y) === undefined) {
      need(reader, /\)/y)
      break
    }
  }
  return { items, parameters: readParameters(reader) }
}

function readItem(reader: Reader): Item {
  return { bare: readBare(reader), parameters: readParameters(reader) }
}

function readParameters(reader: Reader): Parameters {
  const parameters = new Map<string, Bare>()
  while (take(reader, /; */y) !== undefined) {
    const name = need(reader, keyForm)
    if (parameters.has(name)) throw new SyntaxError('a parameter comes twice')
    parameters.set(name, take(reader, /=/y) === undefined ? booleanOf('?1') : readBare(reader))
  }
  return parameters
}

const booleanOf = (text: string): Bare => ({ kind: 'boolean', value: text === '?1', text })

function readBare(reader: Reader): Bare {
  const string = take(reader, /"(?:[ !#-[\]-~]|\\["\\])*"/y)
  if (string !== undefined) return { kind: 'string', value: string.slice(1, -1).replace(/\\(.)/g, '$1'), text: string }
  const display = take(reader, /%"(?:[ !#-$&-~]|%[0-9a-f]{2})*"/y)
  if (display !== undefined) return { kind: 'display', value: display, text: display }
  const bytes = take(reader, /:[A-Za-z0-9+/]*={0,2}:/y)
  if (bytes !== undefined) return { kind: 'bytes', value: Buffer.from(bytes.slice(1, -1), 'base64'), text: bytes }
  const decimal = take(reader, /-?[0-9]{1,12}\.[0-9]{1,3}(?![0-9.])/y)
  if (decimal !== undefined) return { kind: 'decimal', value: Number(decimal), text: decimalText(decimal) }
  const integer = take(reader, /-?[0-9]{1,15}(?![0-9.])/y)
  if (integer !== undefined) return { kind: 'integer', value: Number(integer), text: integerText(integer) }
  const date = take(reader, /@-?[0-9]{1,15}(?![0-9.])/y)
  if (date !== undefined) return { kind: 'date', value: Number(date.slice(1)), text: `@${integerText(date.slice(1))}` }
  const boolean = take(reader, /\?[01]/y)
  if (boolean !== undefined) return booleanOf(boolean)
  const token = need(reader, /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y)
  return { kind: 'token', value: token, text: token }
}

/** `-0` is 0. */
function integerText(text: string): string {
  return String(Number(text) + 0)
}

function decimalText(text: string): string {
  return Number.isInteger(Number(text)) ? `${integerText(text)}.0` : String(Number(text))
}
