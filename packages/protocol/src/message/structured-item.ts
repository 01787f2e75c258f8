/** A Structured Field Item with its values as written. */
export interface StructuredItem {
  readonly value: string
  /** Values by name: `?1` for a name without value, the last value for a repeated name. */
  readonly parameters: ReadonlyMap<string, string>
  /** Whether a name is repeated. */
  readonly repeats: boolean
}

// RFC 9651 §3.3, one alternative for each type: String, Display String, Byte Sequence, Boolean, Date, Decimal, Integer, Token.
const bareItem = [
  String.raw`"(?:[ !#-[\]-~]|\\["\\])*"`,
  '%"(?:[ !#$&-~]|%[0-9a-f]{2})*"',
  ':(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?:',
  String.raw`\?[01]`,
  String.raw`@-?\d{1,15}`,
  String.raw`-?\d{1,12}\.\d{1,3}`,
  String.raw`-?\d{1,15}`,
  "[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*",
].join('|')
const start = new RegExp(`^ *(${bareItem})`)
const parameter = new RegExp(`; *([a-z*][a-z0-9_.*-]*)(?:=(${bareItem}))?`, 'gy')

/**
 * Reads an Item, and tells whether a parameter is repeated, which most parsers hide.
 * @returns undefined when the text is not an Item
 * @see RFC 9651 §4.2.3
 */
export function parseStructuredItem(text: string): StructuredItem | undefined {
  const [begun, value] = start.exec(text) ?? []
  if (begun === undefined || value === undefined) return undefined
  // bound: one call
  const parameters = new Map<string, string>()
  let read = begun.length
  let count = 0
  for (const [written, name = '', raw = '?1'] of text.slice(read).matchAll(parameter)) {
    parameters.set(name, raw)
    read += written.length
    count += 1
  }
  const isWhole = /^ *$/.test(text.slice(read)) && [value, ...parameters.values()].every(isDisplayable)
  return isWhole ? { value, parameters, repeats: count > parameters.size } : undefined
}

/** The text of a String; undefined for every other type. */
export function textOf(raw: string | undefined): string | undefined {
  return raw?.startsWith('"') ? raw.slice(1, -1).replace(/\\(.)/g, '$1') : undefined
}

/** Whether the bytes of a Display String are UTF-8; true of every other type. */
function isDisplayable(raw: string): boolean {
  if (!raw.startsWith('%')) return true
  try {
    decodeURIComponent(raw.slice(1))
    return true
  } catch {
    return false
  }
}
