import { readdirSync, readFileSync } from 'node:fs'
import { parseAst } from 'vite'
import { root } from '../processes.fixture.js'

/** A regular expression as it stands in the source. */
export interface SourcePattern {
  /** From the root of the repository. */
  readonly file: string
  /** As written; of `new RegExp(…)` the whole expression. */
  readonly text: string
  /** Absent where it is put together at run time. */
  readonly pattern?: RegExp
}

/** A loop that cuts, searches or replaces text, or a function that parses. */
export interface SourcePlace {
  readonly file: string
  readonly name: string
}

export interface Source {
  readonly patterns: readonly SourcePattern[]
  readonly loops: readonly SourcePlace[]
  readonly parsers: readonly SourcePlace[]
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [member: string]: unknown
}

const textMethods = new Set(
  'replace replaceAll split slice substring substr indexOf lastIndexOf trim trimEnd trimStart search match matchAll exec'.split(
    ' ',
  ),
)

/** It reads what the implementation answers that its user has chosen to judge, in a process that ends. */
const toolOfOneRun = 'conformance'

/** The source of all packages, without tests. */
function sourceFiles(): string[] {
  const names = readdirSync(`${root}/packages`).filter(name => name !== toolOfOneRun)
  return names.flatMap(name =>
    readdirSync(`${root}/packages/${name}/src`, { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts') && !/\.test\.|\.fixture\./.test(file))
      .map(file => `packages/${name}/src/${file}`),
  )
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flatMap(value => (Array.isArray(value) ? value : [value]).filter(isNode))
}

/** A node and all in it, with the function each stands in. */
function* walk(node: Node, within = ''): Generator<readonly [node: Node, within: string]> {
  yield [node, within]
  const id = node['id']
  const isNamed = node.type === 'FunctionDeclaration' && isNode(id)
  for (const child of childrenOf(node)) yield* walk(child, isNamed ? String(id['name']) : within)
}

function callsTextMethod(node: Node): boolean {
  for (const [{ type, callee }] of walk(node))
    if (type === 'CallExpression' && isNode(callee) && callee.type === 'MemberExpression') {
      const { property } = callee
      if (isNode(property) && textMethods.has(String(property['name']))) return true
    }
  return false
}

function patternIn(node: Node, file: string, code: string): SourcePattern | undefined {
  const text = code.slice(node.start, node.end)
  const { regex, callee } = node
  if (node.type === 'Literal' && typeof regex === 'object' && regex !== null) {
    const { pattern, flags } = regex as { pattern: string; flags: string }
    return { file, text, pattern: new RegExp(pattern, flags) }
  }
  const isMade = node.type === 'NewExpression' || node.type === 'CallExpression'
  return isMade && isNode(callee) && callee['name'] === 'RegExp' ? { file, text } : undefined
}

/** Reads what the packages are made of. */
export function readSource(): Source {
  const source = { patterns: [] as SourcePattern[], loops: [] as SourcePlace[], parsers: [] as SourcePlace[] }
  for (const file of sourceFiles()) {
    const code = readFileSync(`${root}/${file}`, 'utf8')
    for (const [node, within] of walk(parseAst(code, { lang: 'ts' }) as unknown as Node)) {
      const pattern = patternIn(node, file, code)
      if (pattern !== undefined) source.patterns.push(pattern)
      // With its condition and its body, not with what it runs over.
      const looped = ['body', 'test', 'update'].map(member => node[member]).filter(isNode)
      if (/^(?:While|DoWhile|For|ForOf|ForIn)Statement$/.test(node.type) && looped.some(callsTextMethod))
        source.loops.push({ file, name: within })
      const declared = node.type === 'ExportNamedDeclaration' ? node['declaration'] : undefined
      const id = isNode(declared) && declared.type === 'FunctionDeclaration' ? declared['id'] : undefined
      if (isNode(id) && /^parse[A-Z]/.test(String(id['name']))) source.parsers.push({ file, name: String(id['name']) })
    }
  }
  return source
}
