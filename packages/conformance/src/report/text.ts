/** Columns of a terminal, as reports are made for them. */
const columns = 80

/** Bytes as text that a terminal shows and does not obey. Line ends of HTTP become line ends. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/[^\n\x20-\x7e]/g, byte => `\\x${(byte.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`)
}

/** Text in lines of one terminal: each begins with `indent`, and those after the first with `hanging`, too. */
export function wrapped(text: string, indent: string, hanging = ''): string[] {
  const lines: string[] = []
  const words = text.split(/\s+/).filter(word => word !== '')
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`${indent}${last === undefined ? '' : hanging}${word}`)
  }
  return lines
}

/** Text in one line of a terminal, cut where it is longer. */
export function oneLine(text: string, width: number = columns): string {
  return shortened(text.replaceAll('\n', ' '), width)
}

/** Text, cut where it is longer. */
export function shortened(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1).trimEnd()}…` : text
}

/** Some ids, and how many more there are. */
export function someOf(ids: readonly string[], most: number): string {
  const rest = ids.length > most ? ` and ${ids.length - most} more` : ''
  return `${ids.slice(0, most).join(', ')}${rest}`
}

/** A number with its word: `1 case`, `2 cases`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}

/** Bytes of a message in lines that begin with a mark; without bytes, none. More than is asked for is cut, and how much is said. */
export function bytesText(
  mark: string,
  bytes: Buffer,
  { longestLine = longest, mostLines = longest }: { readonly longestLine?: number; readonly mostLines?: number } = {},
): string[] {
  if (bytes.length === 0) return []
  const lines = printable(bytes.subarray(0, longest).toString('latin1')).trimEnd().split('\n')
  const cut = (line: string): string =>
    line.length > longestLine ? `${line.slice(0, longestLine)}… ${line.length - longestLine} more` : line
  const rest = lines.length > mostLines ? [`${mark}… ${lines.length - mostLines} lines more`] : []
  const more = bytes.length > longest ? [`${mark}… ${bytes.length - longest} bytes more`] : []
  return [...lines.slice(0, mostLines).map(line => (mark + cut(line)).trimEnd()), ...rest, ...more]
}

/** Bytes of a message that are printed at all. */
const longest = 4000
