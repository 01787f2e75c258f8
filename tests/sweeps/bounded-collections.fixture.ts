import { ancestors, type Binding, functionOf, type Node, type Tree, unwrapped, wrapped } from './source-tree.fixture.js'

/** A map, set, array or text in the source that something is put into. */
export interface Collection {
  /** What it is called there; `?` where it has no name of its own. */
  readonly name: string
  /** Where it is made; of an array that the file does not make, where it grows. */
  readonly home: Node
  /** A map or set holds what it is made with; an array or a text counts only once it grows. */
  readonly kind: 'made' | 'grown'
  /** The expression that makes a map or set. */
  readonly made?: Node
  /** The variable or parameter that it has. */
  readonly binding?: Binding
}

/** Functions that make a map of ours. Weak maps end with their keys. */
const makers = /^(?:boundedMap|sharedMap|boundedCache|digestTable|countTable|sessionGroups|shelf)$/

export function collectionsIn(tree: Tree): readonly Collection[] {
  const found = new Map<Node, Collection>()
  const seen = new Set<string>()
  for (const node of tree.nodes) {
    const one = isMade(tree, node) ? madeBy(tree, node) : grownBy(tree, node)
    if (one === undefined || found.has(one.home)) continue
    // What is no variable of the file counts once in each function.
    const place = `${functionOf(one.home)?.start} ${one.name}`
    if (one.home === node && one.kind === 'grown' && seen.has(place)) continue
    seen.add(place)
    found.set(one.home, one)
  }
  return [...found.values()]
}

function isMade(tree: Tree, { type, callee }: Node): boolean {
  if (callee?.type !== 'Identifier') return false
  if (type === 'NewExpression') return /^(?:Map|Set)$/.test(callee.name ?? '') && tree.bindingOf(callee) === undefined
  return type === 'CallExpression' && makers.test(callee.name ?? '')
}

function madeBy(tree: Tree, made: Node): Collection {
  const home = homeOf(made)
  const binding = home.type === 'VariableDeclarator' ? tree.declaredBy(home) : undefined
  const name = binding?.name ?? (home === made ? '?' : nameOf(home))
  return { name, home, kind: 'made', made, ...(binding !== undefined && { binding }) }
}

/** The variable or member that an expression is put in, or else the expression itself. */
function homeOf(made: Node): Node {
  const outer = wrapped(made)
  const parent = outer.parent
  if (parent === undefined) return made
  if (/^(?:LogicalExpression|ConditionalExpression)$/.test(parent.type)) {
    const home = homeOf(parent)
    return home === parent ? made : home
  }
  if (parent.type === 'VariableDeclarator' && parent.id?.type === 'Identifier') return parent
  if (/^(?:PropertyDefinition|Property)$/.test(parent.type) && parent.value === outer) return parent
  return parent.type === 'AssignmentExpression' && parent.right === outer ? parent : made
}

function nameOf({ key, left, property }: Node): string {
  const named = left === undefined ? (key ?? property) : unwrapped(left)
  if (named?.type === 'MemberExpression') return nameOf(named)
  return named?.type === 'PrivateIdentifier' ? `#${named.name}` : (named?.name ?? '?')
}

/** The array or text that a node adds to. */
function grownBy(tree: Tree, node: Node): Collection | undefined {
  const target = isAppended(node) ? node.left : pushedTo(node)
  if (target === undefined) return undefined
  const grown = unwrapped(target)
  const name = tree.text.slice(grown.start, grown.end).replaceAll(/\?|\s+/g, '')
  const binding = grown.type === 'Identifier' ? tree.bindingOf(grown) : undefined
  const isMadeHere = binding?.declaration.type === 'VariableDeclarator'
  const home = isMadeHere ? binding.declaration : (memberOf(grown) ?? node)
  return { name, home, kind: 'grown', ...(binding !== undefined && { binding }) }
}

function pushedTo({ type, callee }: Node): Node | undefined {
  if (type !== 'CallExpression' || callee?.type !== 'MemberExpression') return undefined
  return /^(?:push|unshift)$/.test(callee.property?.name ?? '') ? callee.object : undefined
}

/** Whether a text grows by what arrives. */
function isAppended({ type, operator, right }: Node): boolean {
  return type === 'AssignmentExpression' && operator === '+=' && right !== undefined && isArriving(right)
}

function isArriving(value: Node): boolean {
  const { type, name, callee, object, property, left, right, arguments: given = [] } = unwrapped(value)
  if (type === 'Identifier') return name === 'chunk'
  if (type === 'MemberExpression') return property?.name !== 'length' && object !== undefined && isArriving(object)
  if (type === 'CallExpression') {
    const isDecoded = (callee?.property ?? callee)?.name === 'decode'
    return isDecoded || (callee?.object !== undefined && isArriving(callee.object)) || given.some(isArriving)
  }
  return [left, right].some(side => side !== undefined && isArriving(side))
}

/** The declaration of `this.#x` in the class around it. */
function memberOf({ type, object, property }: Node): Node | undefined {
  if (type !== 'MemberExpression' || object?.type !== 'ThisExpression') return undefined
  const body = ancestors(object).find(node => node.type === 'ClassBody')?.body
  return Array.isArray(body)
    ? body.find(({ key }: Node) => key?.type === property?.type && key?.name === property?.name)
    : undefined
}
