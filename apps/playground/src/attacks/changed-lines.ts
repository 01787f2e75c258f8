import type { WireRequest } from './contract.js'

/** A piece of a line; `mark` says that it is what was changed. */
export interface Piece {
  readonly text: string
  readonly mark: boolean
}

/** A line of a request. */
export interface Line {
  /** The name of a header; absent for the request line and the body. */
  readonly name?: string
  readonly pieces: readonly Piece[]
  readonly state: 'same' | 'changed' | 'added' | 'removed'
}

interface Plain {
  /** Which lines belong together: the first, the body, and headers of one name in their order. */
  readonly key: string
  readonly name?: string
  readonly text: string
}

function plainLines({ method, target, headers, body }: WireRequest): Plain[] {
  const seen = new Map<string, number>()
  const lines = headers.map(([name, value]): Plain => {
    const lower = name.toLowerCase()
    const nth = seen.get(lower) ?? 0
    seen.set(lower, nth + 1)
    return { key: `${lower} ${nth}`, name: lower, text: value }
  })
  const first = { key: 'first', text: `${method} ${target}` }
  return body === '' ? [first, ...lines] : [first, ...lines, { key: 'body', text: body }]
}

/** The lines of a request, none of them marked. */
export function linesOf(request: WireRequest): readonly Line[] {
  return plainLines(request).map(line => toLine(line, [{ text: line.text, mark: false }], 'same'))
}

/** The lines of a request as it was sent, with what differs from the one before marked, and with the lines that were removed. */
export function changedLines(before: WireRequest, after: WireRequest): readonly Line[] {
  const old = new Map(plainLines(before).map(line => [line.key, line]))
  const now = plainLines(after)
  const lines = now.map(line => {
    const was = old.get(line.key)
    if (was === undefined) return { key: line.key, line: toLine(line, [{ text: line.text, mark: true }], 'added') }
    const isSame = was.text === line.text
    const pieces = isSame ? [{ text: line.text, mark: false }] : changedPieces(was, line, { before, after })
    return { key: line.key, line: toLine(line, pieces, isSame ? 'same' : 'changed') }
  })
  // A removed line stands after the one that it followed.
  let last = ''
  for (const line of old.values()) {
    if (!lines.some(({ key }) => key === line.key)) {
      const removed = toLine(line, [{ text: line.text, mark: true }], 'removed')
      lines.splice(lines.findIndex(({ key }) => key === last) + 1, 0, { key: line.key, line: removed })
    }
    last = line.key
  }
  return lines.map(({ line }) => line)
}

function changedPieces(
  was: Plain,
  line: Plain,
  { before, after }: { readonly before: WireRequest; readonly after: WireRequest },
): readonly Piece[] {
  return line.key === 'first' ? firstPieces(before, after) : piecesOf(was.text, line.text)
}

function toLine({ name }: Plain, pieces: readonly Piece[], state: Line['state']): Line {
  return { pieces, state, ...(name === undefined ? {} : { name }) }
}

/** A method is another one as a whole. */
function firstPieces(before: WireRequest, after: WireRequest): readonly Piece[] {
  const method = { text: after.method, mark: before.method !== after.method }
  const target =
    before.target === after.target ? [{ text: after.target, mark: false }] : piecesOf(before.target, after.target)
  return [method, { text: ' ', mark: false }, ...target]
}

/** The text in up to three pieces: what both begin with, what was changed, and what both end with. */
function piecesOf(before: string, after: string): readonly Piece[] {
  const shorter = Math.min(before.length, after.length)
  let begin = 0
  while (begin < shorter && before[begin] === after[begin]) begin++
  let end = 0
  while (end < shorter - begin && before.at(-1 - end) === after.at(-1 - end)) end++
  const changed = after.slice(begin, after.length - end)
  const pieces = [
    { text: after.slice(0, begin), mark: false },
    // Where something was only taken out, the place is marked.
    { text: changed === '' ? '⌫' : changed, mark: true },
    { text: after.slice(after.length - end), mark: false },
  ]
  return pieces.filter(({ text }) => text !== '')
}

/** Characters of an unmarked piece that are shown whole. */
const longest = 96
const kept = 36

/** A long piece that is not marked, with its middle left out. */
export function shortened({ text, mark }: Piece): string {
  if (mark || text.length <= longest) return text
  return `${text.slice(0, kept)} … ${text.length - 2 * kept} more … ${text.slice(-kept)}`
}
