// The checks of a file: conditions that lead to a refusal whose reason names a clause, and what a comment with an id stands beside.
import { SyntaxKind } from 'typescript/unstable/ast'
import { marksOf } from './marks.mjs'
import { clausesOf } from './reasons.mjs'
import { descendants, isFunction, lastOf, siblings } from './tree.mjs'

/**
 * A check: its node, and how it is weakened. `refuses`: a condition that refuses when it is true; `accepts`: one that accepts when it is
 * true; `value`: a returned truth; `call`: a function that throws; `bound`: a number; `part`: a member of a list or object.
 * `ids` come from comments, `clauses` from the reason of the refusal.
 */
export function checksOf(source, makers) {
  const checks = new Map()
  const add = (node, kind, found) => {
    if (node === undefined) return
    const { ids = [], clauses = [] } = found
    const before = checks.get(node) ?? { node, kind, ids: [], clauses: [] }
    checks.set(node, { ...before, ids: union(before.ids, ids), clauses: union(before.clauses, clauses) })
  }
  for (const node of descendants(source)) addRefusal(node, makers, add)
  const marks = marksOf(source)
  for (const [node, ids] of marks) if (!isFunction(functionOf(node))) addMarked(node, ids, add)
  for (const [node, ids] of marks) if (isFunction(functionOf(node))) addFunction(functionOf(node), ids, checks, add)
  return [...checks.values()]
}

const union = (one, other) => [...new Set([...one, ...other])]

function addRefusal(node, makers, add) {
  if (node.kind === SyntaxKind.ConditionalExpression) return addConditional(node, makers, add)
  if (node.kind !== SyntaxKind.ThrowStatement && node.kind !== SyntaxKind.ReturnStatement) return
  if (node.expression?.kind === SyntaxKind.ConditionalExpression) return
  const clauses = clausesOf(node.expression, makers)
  if (clauses.length === 0) return
  const { condition, kind } = conditionOf(node) ?? {}
  add(condition, kind, { clauses })
}

function addConditional(node, makers, add) {
  const [yes, no] = [clausesOf(node.whenTrue, makers), clausesOf(node.whenFalse, makers)]
  if (yes.length > 0 && no.length === 0) add(node.condition, 'refuses', { clauses: yes })
  if (no.length > 0 && yes.length === 0) add(node.condition, 'accepts', { clauses: no })
}

/** The condition that leads to a refusal: of the `if` around it, or of one before it that leaves when all is well. */
function conditionOf(statement) {
  const around = statement.parent.kind === SyntaxKind.Block ? statement.parent : statement
  if (around.parent.kind === SyntaxKind.IfStatement && lastOf(around) === statement)
    return around === around.parent.thenStatement
      ? { condition: around.parent.expression, kind: 'refuses' }
      : { condition: around.parent.expression, kind: 'accepts' }
  const before = siblings(statement).slice(0, siblings(statement).indexOf(statement))
  const leaving = before.findLast(one => one.kind === SyntaxKind.IfStatement && leaves(one.thenStatement))
  return leaving === undefined ? undefined : { condition: leaving.expression, kind: 'accepts' }
}

function leaves(statement) {
  const last = lastOf(statement)
  return last?.kind === SyntaxKind.ReturnStatement || last?.kind === SyntaxKind.ContinueStatement
}

function addMarked(node, ids, add) {
  if (node.kind === SyntaxKind.IfStatement) add(node.expression, kindOfIf(node), { ids })
  else if (node.kind === SyntaxKind.ReturnStatement && node.parent.kind === SyntaxKind.IfStatement)
    addMarked(node.parent, ids, add)
  else if (node.kind === SyntaxKind.ReturnStatement) addTruth(node.expression, ids, add)
  else if (node.kind === SyntaxKind.ExpressionStatement) add(node.expression, 'call', { ids })
  else if (node.kind === SyntaxKind.VariableStatement)
    for (const { initializer } of node.declarationList.declarations) addValue(initializer, ids, add)
  else if (node.kind === SyntaxKind.ForOfStatement) addMarked(lastOf(node.statement), ids, add)
  else if (node.kind === SyntaxKind.ThrowStatement) {
    const { condition, kind } = conditionOf(node) ?? {}
    add(condition, kind, { ids })
  } else if (node.kind === SyntaxKind.PropertyAssignment && isNumber(node.initializer))
    add(node.initializer, 'bound', { ids })
  else if (node.parent.kind === SyntaxKind.ArrayLiteralExpression || node.kind === SyntaxKind.PropertyAssignment)
    add(node, 'part', { ids })
}

function addValue(initializer, ids, add) {
  if (initializer === undefined) return
  if (isNumber(initializer)) add(initializer, 'bound', { ids })
  else addTruth(initializer, ids, add)
}

/** A returned truth, or a choice between something and nothing. */
function addTruth(expression, ids, add) {
  if (expression?.kind !== SyntaxKind.ConditionalExpression) return add(expression, 'value', { ids })
  const { condition, whenTrue, whenFalse } = expression
  add(condition, isNothing(whenTrue) && !isNothing(whenFalse) ? 'refuses' : 'accepts', { ids })
}

function isNothing(node) {
  return /^(undefined|null|false|\[\]|\{\})$/.test(node.getText())
}

function isNumber(node) {
  if (node.kind === SyntaxKind.NumericLiteral) return true
  return node.kind === SyntaxKind.BinaryExpression && isNumber(node.left) && isNumber(node.right)
}

/** An `if` refuses when its condition is true, unless it leaves and a refusal follows. */
function kindOfIf(node) {
  if (!leaves(node.thenStatement)) return 'refuses'
  const all = siblings(node)
  return all.slice(all.indexOf(node) + 1).some(one => one.kind === SyntaxKind.ThrowStatement) ? 'accepts' : 'refuses'
}

/** The function that a mark is about, or the node itself. */
function functionOf(node) {
  if (node.kind === SyntaxKind.VariableStatement) {
    const { initializer } = node.declarationList.declarations[0]
    if (initializer !== undefined && isFunction(initializer)) return initializer
  }
  if (node.kind === SyntaxKind.PropertyAssignment && isFunction(node.initializer)) return node.initializer
  return node
}

/** A mark of a whole function is about all checks in it that have no mark of their own, or about the truth that it returns. */
function addFunction(node, ids, checks, add) {
  if (node.body === undefined) return
  const inside = new Set(descendants(node.body))
  const own = [...checks.values()].filter(one => inside.has(one.node))
  for (const one of own) if (one.ids.length === 0) add(one.node, one.kind, { ids })
  if (own.length > 0) return
  if (node.body.kind !== SyntaxKind.Block) return addTruth(node.body, ids, add)
  for (const one of inside)
    if (one.kind === SyntaxKind.ReturnStatement && functionAround(one) === node) addTruth(one.expression, ids, add)
}

function functionAround(node) {
  return isFunction(node) ? node : functionAround(node.parent)
}
