import { parseAst } from 'vite'

/** What a reader of a function has to hold in mind. */
export interface Shape {
  readonly name: string
  /** Lines of code, without those inside functions within it, objects, arrays, mark-up and types. */
  readonly lines: number
  /** Lines of code of its block, with all that; 0 where it is one expression. */
  readonly linesOfBlock: number
  readonly parameters: number
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [member: string]: unknown
}

interface Found extends Omit<Shape, 'lines'> {
  readonly own: Set<number>
}

const bodied = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const typed = new Set(['TSMethodSignature', 'TSFunctionType', 'TSDeclareFunction'])
const data = new Set(
  'ObjectExpression ArrayExpression ObjectPattern JSXElement JSXFragment TemplateLiteral TSTypeLiteral'.split(' '),
)

/** The functions of a source file, those of its types too. */
export function shapesOf(file: string, text: string): Shape[] {
  const linesIn = lineReader(text)
  const found: Found[] = []
  visit(parseAst(text, { lang: file.endsWith('x') ? 'tsx' : 'ts' }, file) as unknown as Node, { name: '' })
  return found.map(({ own, ...shape }) => ({ ...shape, lines: own.size }))

  function visit(node: Node, { name, outer }: { readonly name: string; readonly outer?: Found | undefined }): void {
    const shape = bodied.has(node.type) || typed.has(node.type) ? shapeOf(node, name) : undefined
    if (shape !== undefined) found.push(shape)
    if (shape !== undefined || data.has(node.type)) for (const line of linesIn(node, 'inside')) outer?.own.delete(line)
    const named = nameIn(node) ?? (node.type === 'TSTypeAnnotation' ? name : '')
    for (const child of childrenOf(node)) visit(child, { name: named, outer: shape ?? outer })
  }

  function shapeOf(node: Node, name: string): Found {
    const body = isNode(node['body']) && node['body'].type === 'BlockStatement' ? node['body'] : undefined
    return {
      name: nameIn(node) ?? name,
      own: new Set(linesIn(node, 'all')),
      linesOfBlock: body === undefined ? 0 : linesIn(body, 'all').length,
      parameters: (node['params'] as unknown[]).length,
    }
  }
}

/** The name that a node gives to itself or to what stands in it. */
function nameIn({ id, key }: Node): string | undefined {
  const name = Object(id ?? key).name
  return typeof name === 'string' ? name : undefined
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flatMap(value => [value].flat().filter(isNode))
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value
}

/** Finds the numbers of the lines of code of a node: all of them, or those between its first and its last. */
function lineReader(text: string): (node: Node, which: 'all' | 'inside') => number[] {
  const isCode = text.split('\n').map(line => !/^\s*(?:$|\/\/|\/?\*)/.test(line))
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const lineAt = (position: number): number => {
    const after = starts.findIndex(start => start > position)
    return (after < 0 ? starts.length : after) - 1
  }
  return ({ start, end }, which) => {
    const [first, last] = [lineAt(start), lineAt(end - 1)]
    const numbers = Array.from({ length: last - first + 1 }, (_, at) => first + at).filter(line => isCode[line])
    return which === 'all' ? numbers : numbers.filter(line => line !== first && line !== last)
  }
}
