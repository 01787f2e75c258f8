import { ancestors, type Comment, type Node, type Tree } from './source-tree.fixture.js'

/**
 * What a comment says of the collection below it. One of:
 *
 * - `bound: fixed`: made once, from constants or configuration.
 * - `bound: one call`: lives in one call, over input that is bounded before it. `bound: one call: <how much>` where it grows in a
 *   loop that waits for others.
 * - `bound: <how many at most>; bytes: <of all>; grown by a stranger; shared: <how>; filled by <test file> "<part of a title>"`:
 *   outlives a call. What `a peer` grows, a server that this program has chosen to talk to, needs no share. What `the program`
 *   grows, its operator or the user at this machine, needs nothing after it; without bytes it is small.
 */
export type Bound = { readonly kind: 'fixed' | 'one call'; readonly says: string | undefined } | Kept

/** A collection that outlives a call, and what keeps it from growing without end. */
export interface Kept {
  readonly kind: 'kept'
  readonly grownBy: string
  readonly bound: string
  readonly bytes: string | undefined
  readonly shared: string | undefined
  readonly filledBy: Filling | undefined
}

/** The test that fills it. */
export interface Filling {
  readonly file: string
  readonly title: string
}

/** A comment about a bound, from its first line to the end of the lines that stand together. */
export interface BoundComment {
  readonly text: string
  readonly start: number
  readonly end: number
}

const brief = /^bound: (?:(fixed)|(one call)(?:: ([^;]+))?)$/
const full =
  /^bound: (?<bound>(?:(?!; ?(?:bytes:|grown by|shared:|filled by)).)+)(?:; bytes: (?<bytes>(?:(?!; ?(?:grown by|shared:|filled by)).)+))?; grown by (?<grownBy>a stranger|a peer|the program)(?:; shared: (?<shared>(?:(?!; ?filled by).)+))?(?:; filled by (?<file>\S+) "(?<title>[^"]{6,})")?$/

/** What a comment says; a sentence that says what to do if it cannot be read. */
export function readBound(text: string): Bound | string {
  const [, isFixed, isOneCall, says] = brief.exec(text) ?? []
  if (isFixed !== undefined || isOneCall !== undefined) return { kind: isFixed ? 'fixed' : 'one call', says }
  const { bound = '', bytes, grownBy = '', shared, file, title = '' } = full.exec(text)?.groups ?? {}
  if (bound === '')
    return 'write it as "bound: …; bytes: …; grown by a stranger | a peer | the program; shared: …; filled by file "title"", "bound: one call" or "bound: fixed"'
  const filledBy = file === undefined ? undefined : { file, title }
  if (grownBy !== 'the program' && bytes === undefined) return `${grownBy} grows it: say its bytes`
  if (grownBy === 'a stranger' && shared === undefined) return 'strangers grow it: say how it is shared'
  if (grownBy !== 'the program' && filledBy === undefined) return `${grownBy} grows it: name the test that fills it`
  return { kind: 'kept', grownBy, bound, bytes, shared, filledBy }
}

/** Why the test that a comment names does not fill its collection, given the titles of each test file of that name. */
export function fillingFault({ file, title }: Filling, files: readonly (readonly string[])[]): string | undefined {
  const [titles, ...others] = files
  if (titles === undefined) return `there is no test file ${file}; name the one that fills it`
  if (others.length > 0) return `there are several test files ${file}; write more of its path`
  return titles.some(text => text.includes(title)) ? undefined : `no test of ${file} has "${title}" in its title`
}

/** All comments about bounds. */
export function boundComments({ text, comments }: Tree): readonly BoundComment[] {
  const found: BoundComment[] = []
  for (const [at, comment] of comments.entries()) {
    const lines = linesOf(comment)
    const first = lines.findIndex(line => line.startsWith('bound:'))
    if (first < 0) continue
    const rest = comment.type === 'Line' ? following(text, comments.slice(at)) : [comment]
    const words = comment.type === 'Line' ? rest.flatMap(linesOf) : lines.slice(first)
    found.push({ text: words.join(' ').trim(), start: comment.start, end: rest.at(-1)?.end ?? comment.end })
  }
  return found
}

/** The comment that stands directly above a collection: above its member, or the statement that it stands in. */
export function commentAbove(tree: Tree, all: readonly BoundComment[], home: Node): BoundComment | undefined {
  for (const place of placesOf(home)) {
    const found = all.find(({ end }) => isDirectlyAbove(tree.text, end, place.start))
    if (found !== undefined) return found
  }
  return undefined
}

/** Where the comment of a collection may stand above, innermost first. */
export function placesOf(home: Node): readonly Node[] {
  const around = [home, ...ancestors(home)]
  const last = around.findIndex(isStatement)
  const isExport = around[last + 1]?.type.startsWith('Export') === true
  return around
    .slice(0, last + (isExport ? 2 : 1))
    .filter(node => node.type === 'Property' || isStatement(node) || node.type.startsWith('Export'))
}

function isStatement({ type, parent }: Node): boolean {
  if (type === 'PropertyDefinition' || type === 'MethodDefinition') return true
  return (
    /(?:Statement|Declaration)$/.test(type) &&
    type !== 'BlockStatement' &&
    /^(?:Program|BlockStatement|StaticBlock|SwitchCase|Export\w+)$/.test(parent?.type ?? '')
  )
}

function linesOf({ value }: Comment): readonly string[] {
  return value.split('\n').map(line =>
    line
      .trim()
      .replace(/^\*+\s?/, '')
      .trim(),
  )
}

/** A line comment, and those that stand directly below it. */
function following(text: string, comments: readonly Comment[]): readonly Comment[] {
  const end = comments.findIndex((comment, at) => {
    const next = comments[at + 1]
    return next?.type !== 'Line' || !isDirectlyAbove(text, comment.end, next.start)
  })
  return comments.slice(0, end + 1)
}

function isDirectlyAbove(text: string, end: number, start: number): boolean {
  return end <= start && /^[ \t]*\n[ \t]*$/.test(text.slice(end, start))
}
