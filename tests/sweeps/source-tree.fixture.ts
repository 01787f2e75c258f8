import { parseSync } from 'rolldown/utils'

/** A node of a syntax tree, with the members that the sweeps read. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly parent?: Node
  readonly name?: string
  readonly id?: Node
  readonly init?: Node
  readonly key?: Node
  readonly value?: unknown
  readonly callee?: Node
  readonly object?: Node
  readonly property?: Node
  readonly argument?: Node
  readonly arguments?: readonly Node[]
  readonly left?: Node
  readonly right?: Node
  readonly operator?: string
  readonly kind?: string
  readonly await?: boolean
  readonly async?: boolean
  readonly generator?: boolean
  readonly consequent?: Node
  readonly alternate?: Node
  readonly static?: boolean
  readonly computed?: boolean
  readonly params?: readonly Node[]
  readonly param?: Node
  readonly body?: Node | readonly Node[]
  readonly expression?: Node | boolean
  readonly local?: Node
  readonly typeAnnotation?: Node
  readonly returnType?: Node
}

/** A name that a file declares, and where it stands for its value. */
export interface Binding {
  readonly name: string
  /** The declarator, parameter, function, class or import. */
  readonly declaration: Node
  /** The block or function that it can be read in. */
  readonly scope: Node
  readonly references: Node[]
}

export interface Comment {
  readonly type: 'Line' | 'Block'
  readonly value: string
  readonly start: number
  readonly end: number
}

export interface Tree {
  readonly text: string
  readonly nodes: readonly Node[]
  readonly comments: readonly Comment[]
  /** What an identifier stands for; undefined for what the language gives. */
  bindingOf(identifier: Node): Binding | undefined
  /** The name that a declarator, a parameter or a function declares. */
  declaredBy(declaration: Node): Binding | undefined
}

const scopes = /^(?:Program|BlockStatement|StaticBlock|CatchClause|SwitchStatement|Class\w+|For\w*Statement)$/
/** They stand around an expression and change nothing of its value. */
const wrappers =
  /^(?:TSAsExpression|TSSatisfiesExpression|TSNonNullExpression|TSTypeAssertion|ParenthesizedExpression|ChainExpression)$/

export function isFunction(node: Node): boolean {
  return /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)
}

/** The expression itself, without casts and parentheses. */
export function unwrapped(node: Node): Node {
  return wrappers.test(node.type) && typeof node.expression === 'object' ? unwrapped(node.expression) : node
}

/** The outermost cast or parenthesis around an expression. */
export function wrapped(node: Node): Node {
  return node.parent !== undefined && wrappers.test(node.parent.type) ? wrapped(node.parent) : node
}

/** From the node that a node stands in, outwards. */
export function ancestors(node: Node): readonly Node[] {
  return node.parent === undefined ? [] : [node.parent, ...ancestors(node.parent)]
}

/** The function that a node stands in; undefined for the module itself. */
export function functionOf(node: Node): Node | undefined {
  return ancestors(node).find(isFunction)
}

export function treeOf(text: string, lang: 'ts' | 'tsx' = 'ts'): Tree {
  const { program, comments, errors } = parseSync(`source.${lang}`, text, { lang })
  if (errors.length > 0) throw new Error(`does not parse: ${errors[0]?.message}`)
  const nodes = linked(program as unknown as Node)
  const { bindings, declared } = declarations(nodes)
  const byIdentifier = new Map<Node, Binding>()
  for (const node of nodes) {
    if (node.type !== 'Identifier' || declared.has(node) || !isValue(node)) continue
    const binding = lookUp(bindings, node)
    if (binding === undefined) continue
    binding.references.push(node)
    byIdentifier.set(node, binding)
  }
  const byDeclaration = new Map(
    [...bindings.values()].flatMap(all => [...all.values()].map(one => [one.declaration, one])),
  )
  return {
    text,
    nodes,
    comments,
    bindingOf: identifier => byIdentifier.get(identifier),
    declaredBy: declaration => byDeclaration.get(declaration),
  }
}

/** All nodes, each with the one that it stands in, and without members that are null. */
function linked(root: Node): readonly Node[] {
  const nodes: Node[] = []
  const enter = (node: Node, parent: Node | undefined): void => {
    nodes.push(node)
    if (parent !== undefined) Object.assign(node, { parent })
    for (const [name, value] of Object.entries(node)) {
      if (name === 'parent') continue
      if (value === null) Reflect.deleteProperty(node, name)
      for (const child of Array.isArray(value) ? value : [value])
        if (typeof child === 'object' && child !== null && typeof child.type === 'string') enter(child, node)
    }
  }
  enter(root, undefined)
  return nodes
}

type Bindings = Map<Node, Map<string, Binding>>

/** The names of each scope, and the identifiers that declare them. */
function declarations(nodes: readonly Node[]): { readonly bindings: Bindings; readonly declared: ReadonlySet<Node> } {
  const bindings: Bindings = new Map()
  const declared = new Set<Node>()
  const declare = (name: Node | undefined, declaration: Node, scope: Node | undefined): void => {
    if (name?.name === undefined || scope === undefined) return
    declared.add(name)
    const names = bindings.get(scope) ?? new Map<string, Binding>()
    bindings.set(scope, names)
    names.set(name.name, { name: name.name, declaration, scope, references: [] })
  }
  for (const node of nodes) {
    const scope = ancestors(node).find(isScope)
    if (node.type === 'VariableDeclarator')
      for (const name of namesIn(node.id)) declare(name, node.id === name ? node : name, scope)
    else if (node.type === 'CatchClause') for (const name of namesIn(node.param)) declare(name, name, node)
    else if (node.type.startsWith('Import') && node.local !== undefined) declare(node.local, node, scope)
    else if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') declare(node.id, node, scope)
    if (isFunction(node))
      for (const parameter of node.params ?? []) for (const name of namesIn(parameter)) declare(name, name, node)
  }
  return { bindings, declared }
}

function isScope(node: Node): boolean {
  return isFunction(node) || scopes.test(node.type)
}

/** The identifiers that a pattern declares. */
function namesIn(pattern: unknown): readonly Node[] {
  if (Array.isArray(pattern)) return pattern.flatMap(namesIn)
  if (typeof pattern !== 'object' || pattern === null) return []
  const { type, left, argument, value, ...rest } = pattern as Node & {
    readonly elements?: unknown
    readonly properties?: unknown
    readonly parameter?: unknown
  }
  if (type === 'Identifier') return [pattern as Node]
  if (type === 'AssignmentPattern') return namesIn(left)
  if (type === 'RestElement') return namesIn(argument)
  if (type === 'Property') return namesIn(value)
  return namesIn(rest.elements ?? rest.properties ?? rest.parameter)
}

/** Whether an identifier stands for a value, and is not the name of a member, a type or what is declared. */
function isValue(node: Node): boolean {
  const parent = node.parent
  if (parent === undefined || isType(parent)) return false
  if (parent.type === 'MemberExpression') return parent.object === node || parent.computed === true
  if (/^(?:Property|PropertyDefinition|MethodDefinition|AccessorProperty)$/.test(parent.type))
    return parent.value === node || parent.computed === true
  if (/^(?:Import|LabeledStatement|BreakStatement|ContinueStatement)/.test(parent.type)) return false
  if (parent.type === 'ExportSpecifier') return parent.local === node
  return parent.id !== node && !(isFunction(parent) && parent.params?.includes(node))
}

function isType(node: Node): boolean {
  return node.type.startsWith('TS') && !wrappers.test(node.type)
}

function lookUp(bindings: Bindings, node: Node): Binding | undefined {
  for (const scope of ancestors(node)) {
    const found = bindings.get(scope)?.get(node.name ?? '')
    if (found !== undefined) return found
  }
  return undefined
}
