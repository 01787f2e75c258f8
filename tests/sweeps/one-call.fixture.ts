import type { Collection } from './bounded-collections.fixture.js'
import {
  ancestors,
  type Binding,
  functionOf,
  isFunction,
  type Node,
  type Tree,
  unwrapped,
  wrapped,
} from './source-tree.fixture.js'

// Which collections need no comment, since their source shows that they hold constants, or live in one call. Where that is not
// certain, the answer is what stands in the way.

/** Methods that call a function before they return. */
const callsAtOnce =
  /^(?:map|flatMap|filter|forEach|some|every|find|findIndex|findLast|findLastIndex|reduce|reduceRight|sort|toSorted|from|replace|replaceAll)$/
/** Methods of a map, set or array that give it back. */
const givesItself = /^(?:set|add|sort|reverse|fill|copyWithin|valueOf)$/
const growing = /^(?:set|add|push|unshift|splice)$/
/** Methods whose array is new. */
const makesArray = /^(?:map|flatMap|filter|slice|concat|split|toSorted|toReversed)$/
/** What the language gives, and keeps nothing of its arguments. */
const keepsNothing =
  /^(?:Array\.(?:from|isArray)|Object\.(?:fromEntries|keys|values|entries)|Promise\.(?:all|allSettled)|Buffer\.concat|Math\.(?:max|min)|JSON\.stringify|String)$/
const readOnly = /^(?:Promise<)?(?:Readonly(?:Map|Set|Array)<|readonly |Iterable<)/
/** They read a value, and keep nothing of it. */
const reads = /^(?:SpreadElement|BinaryExpression|UnaryExpression|ExpressionStatement|TemplateLiteral)$/
/** Nothing bounds input that arrives piece by piece. */
export const waitingLoop = 'a loop that waits for others uses it'
const elsewhere = 'this file does not make it'

/** What is done with a collection in one place. */
interface Use {
  readonly doubt?: string
  readonly isGrown?: boolean
}

/** Why a collection needs a comment; undefined if the source shows that it needs none. */
export function doubtAbout(tree: Tree, { home, made, binding }: Collection): string | undefined {
  const rule = new Rule(tree)
  if (made?.type === 'CallExpression') return 'it is made to be kept'
  if (made !== undefined && binding === undefined) return home === made ? rule.nameless(made) : 'it is a member'
  if (binding === undefined) return elsewhere
  if (made === undefined) return rule.array(binding)
  const doubt = rule.constant(binding)
  return doubt === undefined || functionOf(home) === undefined ? doubt : rule.local(binding)
}

/** Whether something is added to a collection when the function that makes it has returned, or the module is loaded. */
export function isGrownLater(tree: Tree, { binding }: Collection): boolean {
  return binding !== undefined && new Rule(tree).isGrownLater(binding)
}

class Rule {
  readonly #tree: Tree
  readonly #functions = new Set<Node>()
  readonly #parameters = new Map<Node, Use>()

  constructor(tree: Tree) {
    this.#tree = tree
  }

  /** A map or set without a name may be read where it is made. */
  nameless(made: Node): string | undefined {
    return this.#use(made).doubt
  }

  isGrownLater({ references, scope }: Binding): boolean {
    return references.some(one => {
      if (!this.#use(one).isGrown) return false
      return scope.type === 'Program' ? functionOf(one) !== undefined : this.#late(one, scope) !== undefined
    })
  }

  /** A map or set that is only read holds what it was made with. */
  constant({ declaration, references }: Binding): string | undefined {
    const isCast = references.some(one => wrapped(one) !== one)
    if (readOnly.test(this.#type(declaration.id?.typeAnnotation)) && !isCast) return undefined
    if (isExported(declaration)) return 'other files can add to it'
    for (const reference of references) {
      const { doubt, isGrown } = this.#use(reference)
      if (isGrown) return 'something is added to it'
      if (doubt !== undefined) return doubt
    }
    return undefined
  }

  /** All that is done with a map or set of a function must end with the call. */
  local(binding: Binding): string | undefined {
    for (const reference of binding.references) {
      const doubt = this.#use(reference).doubt ?? this.#late(reference, binding.scope)
      if (doubt !== undefined) return doubt
    }
    return undefined
  }

  /** What is added to an array or a text must be added in the call that made it, by a loop that ends with it. */
  array(binding: Binding): string | undefined {
    const { declaration, references, scope } = binding
    if (declaration.type === 'Identifier') return this.#parameter(binding)
    if (declaration.type !== 'VariableDeclarator' || !isNew(declaration.init)) return elsewhere
    if (functionOf(declaration) === undefined) return 'it stands in no function'
    for (const reference of references) {
      const { parent } = wrapped(reference)
      if (parent?.type === 'AssignmentExpression' && parent.operator === '=' && !isNew(parent.right)) return elsewhere
      const doubt = this.#use(reference).isGrown ? this.#late(reference, scope) : undefined
      if (doubt !== undefined) return doubt
    }
    return undefined
  }

  /** An array that a function of this file gets is judged where it is made, if only this file calls the function. */
  #parameter({ declaration, scope }: Binding): string | undefined {
    const at = scope.params?.indexOf(declaration) ?? -1
    const named = this.#named(scope)
    if (at < 0 || named === undefined || isExported(named.declaration)) return elsewhere
    if (this.#functions.has(declaration)) return undefined
    this.#functions.add(declaration)
    for (const reference of named.references) {
      const given = callOf(reference)?.arguments?.[at]
      if (given === undefined) return elsewhere
      const binding = this.#tree.bindingOf(unwrapped(given))
      const doubt = binding === undefined ? (isNew(given) ? undefined : elsewhere) : this.array(binding)
      if (doubt !== undefined) return doubt
    }
    return undefined
  }

  #use(node: Node): Use {
    const outer = wrapped(node)
    const { parent } = outer
    if (parent === undefined || reads.test(parent.type)) return {}
    if (parent.type === 'MemberExpression' && parent.object === outer) return this.#member(parent)
    if (parent.type === 'AssignmentExpression' && parent.left === outer) return { isGrown: true }
    if (/^For(?:Of|In)Statement$/.test(parent.type) && parent.right === outer) return {}
    if (parent.type === 'NewExpression' && /^(?:Map|Set)$/.test(parent.callee?.name ?? '')) return {}
    if (parent.type === 'CallExpression') return this.#argument(parent, outer)
    if (/^(?:LogicalExpression|ConditionalExpression)$/.test(parent.type)) return this.#use(parent)
    if (parent.type === 'ReturnStatement' || (parent.type === 'ArrowFunctionExpression' && parent.body === outer))
      return readOnly.test(this.#type(functionOf(node)?.returnType)) ? {} : { doubt: 'the function hands it out' }
    return this.#kept(parent)
  }

  #member(member: Node): Use {
    const call = callOf(member)
    const name = member.property?.name ?? ''
    const given = call !== undefined && givesItself.test(name) ? this.#use(call) : {}
    const isMethodGiven = call === undefined && growing.test(name)
    return isMethodGiven ? this.#kept(member) : { ...given, isGrown: growing.test(name) }
  }

  #argument(call: Node, argument: Node): Use {
    const { callee } = call
    if (callee === undefined || callee === argument || keepsNothing.test(this.#text(callee))) return {}
    const fn = this.#functionNamed(callee)
    const parameter = fn?.params?.[call.arguments?.indexOf(argument) ?? -1]
    const binding = parameter === undefined ? undefined : this.#tree.declaredBy(parameter)
    if (fn === undefined || parameter === undefined || binding === undefined || !endsWith(call, fn))
      return this.#kept(callee)
    const known = this.#parameters.get(parameter)
    if (known !== undefined) return known
    this.#parameters.set(parameter, {})
    const doubt = this.local(binding)
    const isGrown = binding.references.some(one => this.#use(one).isGrown)
    const use = doubt === undefined ? { isGrown } : { isGrown, doubt }
    this.#parameters.set(parameter, use)
    return use
  }

  #kept(by: Node): Use {
    return { doubt: `\`${this.#text(by).split('\n')[0]}\` may keep it` }
  }

  /** Whether what is done can be done after the call that made the collection, or for as long as others send something. */
  #late(node: Node, scope: Node): string | undefined {
    for (const inner of ancestors(node)) {
      if (inner === scope) return undefined
      if (isFunction(inner) && !this.#isAtOnce(inner)) return 'a function that may outlive the call uses it'
      if (this.#waits(inner)) return waitingLoop
    }
    return undefined
  }

  #waits(loop: Node): boolean {
    if (loop.type === 'ForOfStatement') return loop.await === true
    if (!/^(?:WhileStatement|DoWhileStatement|ForStatement)$/.test(loop.type)) return false
    return this.#tree.nodes.some(node => {
      const isWait = /^(?:AwaitExpression|YieldExpression)$/.test(node.type) || node.await === true
      return isWait && ancestors(node).includes(loop) && functionOf(node) === functionOf(loop)
    })
  }

  /** Whether a function is called only while the function around it runs. */
  #isAtOnce(fn: Node): boolean {
    if (this.#functions.has(fn)) return true
    this.#functions.add(fn)
    const named = this.#named(fn)
    if (named === undefined) return isCallback(fn)
    return named.references.every(one => {
      const call = callOf(one)
      return call !== undefined && endsWith(call, fn) && this.#late(one, named.scope) === undefined
    })
  }

  /** The name that a function is called by. */
  #named(fn: Node): Binding | undefined {
    const { parent } = wrapped(fn)
    return (
      this.#tree.declaredBy(fn) ?? (parent?.type === 'VariableDeclarator' ? this.#tree.declaredBy(parent) : undefined)
    )
  }

  #functionNamed(callee: Node): Node | undefined {
    const declaration = this.#tree.bindingOf(callee)?.declaration
    const fn = declaration?.type === 'VariableDeclarator' ? declaration.init : declaration
    return fn !== undefined && isFunction(fn) ? fn : undefined
  }

  #type(annotation: Node | undefined): string {
    return annotation === undefined ? '' : this.#text(annotation).replace(/^:\s*/, '')
  }

  #text({ start, end }: Node): string {
    return this.#tree.text.slice(start, end)
  }
}

function isExported({ parent }: Node): boolean {
  return (parent?.type === 'VariableDeclaration' ? parent.parent : parent)?.type.startsWith('Export') === true
}

/** Whether an expression makes the array or text that it stands for. */
function isNew(value: Node | undefined): boolean {
  if (value === undefined) return true
  const { type, callee, consequent, alternate } = unwrapped(value)
  if (/^(?:ArrayExpression|Literal|TemplateLiteral)$/.test(type)) return true
  if (type === 'ConditionalExpression') return isNew(consequent) && isNew(alternate)
  const name = callee?.property?.name ?? ''
  return makesArray.test(name) || (name === 'reverse' && isNew(callee?.object))
}

/** The call of what an expression stands for. */
function callOf(callee: Node): Node | undefined {
  const outer = wrapped(callee)
  return outer.parent?.type === 'CallExpression' && outer.parent.callee === outer ? outer.parent : undefined
}

/** Whether a function has ended when what called it goes on. */
function endsWith(call: Node, fn: Node): boolean {
  const { parent } = wrapped(call)
  if (fn.generator === true)
    return parent?.type === 'SpreadElement' || (parent?.type === 'ForOfStatement' && parent.right === call)
  return fn.async !== true || /^(?:AwaitExpression|ReturnStatement)$/.test(parent?.type ?? '')
}

/** Whether a function without a name is called where it stands. */
function isCallback(fn: Node): boolean {
  const call = wrapped(fn).parent
  if (fn.async === true || fn.generator === true || call === undefined) return false
  if (call.type === 'NewExpression') return call.callee?.name === 'Promise'
  return call.type === 'CallExpression' && (callOf(fn) === call || callsAtOnce.test(call.callee?.property?.name ?? ''))
}
