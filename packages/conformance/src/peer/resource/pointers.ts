import { parseJson, utf8 } from '../shared/json.js'

/** Whether a value is a JSON Pointer of at most 512 characters. @see protocol §9.2 */
export function isPointer(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 512 && /^(?:\/(?:[^/~]|~[01])*)*$/.test(value)
}

/** The segments of a pointer. */
export function segmentsOf(pointer: string): readonly string[] {
  const segments = pointer.split('/').slice(1)
  return segments.map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Whether a segment names a member or an element. */
export function isNamed(segment: string, name: string): boolean {
  return segment === '*' || segment === name
}

/** A JSON text, taken apart without writing anything anew. */
export interface Node {
  readonly text: string
  /** Of an object: names as written and as read. */
  readonly members?: ReadonlyArray<{ readonly label: string; readonly name: string; readonly node: Node }>
  readonly elements?: readonly Node[]
}

/** Reads JSON as nodes. @throws SyntaxError or TypeError where it is no JSON by protocol §9.2 */
export function readNode(body: Uint8Array): Node {
  const text = utf8(body)
  parseJson(text)
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g)].map(([token]) => token)
  let at = 0
  const next = (): string => tokens[at++] ?? ''
  const read = (): Node => {
    const token = next()
    if (token === '{') {
      const members: Array<{ label: string; name: string; node: Node }> = []
      while (tokens[at] !== '}') {
        if (tokens[at] === ',') at++
        const label = next()
        at++
        members.push({ label, name: String(JSON.parse(label)), node: read() })
      }
      at++
      return { text: `{${members.map(({ label, node }) => `${label}:${node.text}`).join()}}`, members }
    }
    if (token !== '[') return { text: token }
    const elements: Node[] = []
    while (tokens[at] !== ']') {
      if (tokens[at] === ',') at++
      elements.push(read())
    }
    at++
    return { text: `[${elements.map(one => one.text).join()}]`, elements }
  }
  return read()
}

/** The text of what pointers let through; undefined of a scalar that they lead through. @see protocol §9.2 */
export function projected(node: Node, pointers: ReadonlyArray<readonly string[]>): string | undefined {
  if (pointers.some(({ length }) => length === 0)) return node.text
  const below = (name: string): ReadonlyArray<readonly string[]> =>
    pointers.filter(([first = '']) => isNamed(first, name)).map(([, ...rest]) => rest)
  const { members, elements } = node
  if (members !== undefined) {
    const named = members.filter(({ name }) => below(name).length > 0)
    const shown = named.map(({ label, name, node: inner }) => ({ label, text: projected(inner, below(name)) }))
    const left = shown.filter(({ text }) => text !== undefined)
    return `{${left.map(({ label, text }) => `${label}:${text}`).join()}}`
  }
  if (elements === undefined) return undefined
  const shown = elements.map((one, at) => {
    const rest = below(String(at))
    return rest.length > 0 ? projected(one, rest) : undefined
  })
  return `[${shown.map(text => text ?? 'null').join()}]`
}
