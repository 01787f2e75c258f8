// Walks over a syntax tree.
import { SyntaxKind } from 'typescript/unstable/ast'

const functions = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
])

/** Tells whether a node is a function of some kind. */
export const isFunction = node => functions.has(node.kind)

/** A node and all below it. */
export function* descendants(node) {
  yield node
  const children = []
  node.forEachChild(child => {
    children.push(child)
  })
  for (const child of children) yield* descendants(child)
}

/** The last statement of a block, or the statement itself. */
export function lastOf(statement) {
  return statement.kind === SyntaxKind.Block ? statement.statements.at(-1) : statement
}

/** The statements beside one, with it. */
export function siblings(statement) {
  return statement.parent.statements ?? [statement]
}

/** The names of the functions and constants around a node, outermost first. */
export function placeOf(node) {
  const names = []
  for (let at = node; at !== undefined; at = at.parent) {
    const named =
      isFunction(at) || at.kind === SyntaxKind.VariableDeclaration || at.kind === SyntaxKind.ClassDeclaration
    const name = named ? (at.name?.text ?? at.parent.name?.text) : undefined
    if (name !== undefined && names[0] !== name) names.unshift(name)
  }
  return names.join('.')
}

/** An expression without the parentheses around it. */
export function bare(expression) {
  return expression.kind === SyntaxKind.ParenthesizedExpression ? bare(expression.expression) : expression
}

/** Text on one line. */
export function oneLine(text) {
  return text.replace(/\s+/g, ' ').trim()
}
