// What is changed of a check: it is removed, or one part of its condition counts no more.
import { SyntaxKind } from 'typescript/unstable/ast'
import { bare } from './tree.mjs'

const infinite = 'Number.MAX_SAFE_INTEGER'
const or = SyntaxKind.BarBarToken
const and = SyntaxKind.AmpersandAmpersandToken

/** The changes of a check: `how` names its kind, `node` is replaced by `text`. */
export function changesOf({ node, kind }) {
  if (kind === 'refuses') return [removed(node, 'false'), ...weakened(node, true)]
  if (kind === 'accepts') return [removed(node, 'true'), ...weakened(node, false)]
  if (kind === 'value') return ofValue(bare(node))
  if (kind === 'bound') return [{ how: 'unbounded', node, text: infinite }]
  if (kind === 'part') return [{ how: 'removed', node, text: '' }]
  return isCall(node) ? [removed(node, 'undefined')] : []
}

const removed = (node, text) => ({ how: 'removed', node, text })

/** One operand fewer. With `refuses`, a true condition refuses: then an operand of `||` counts no more, else one of `&&`. */
function weakened(expression, refuses) {
  const node = bare(expression)
  if (node.kind === SyntaxKind.PrefixUnaryExpression && node.operator === SyntaxKind.ExclamationToken)
    return weakened(node.operand, !refuses)
  if (node.kind !== SyntaxKind.BinaryExpression) return []
  const operator = node.operatorToken.kind
  if (operator !== or && operator !== and) return []
  const [own, text] = refuses ? [or, 'false'] : [and, 'true']
  return operands(node, operator).flatMap(one => [
    ...(operator === own && !isTypeGuard(one) ? [{ how: 'weakened', node: one, text }] : []),
    ...weakened(one, refuses),
  ])
}

/** A look at the type alone: what stands beside it would throw or be false without it, so its removal changes nothing. */
function isTypeGuard(expression) {
  const node = bare(expression)
  if (node.kind === SyntaxKind.PrefixUnaryExpression) return isTypeGuard(node.operand)
  if (node.kind === SyntaxKind.CallExpression) return /^(Array\.isArray|isObject)$/.test(node.expression.getText())
  return /^typeof |(===|!==) (undefined|null)$/.test(node.getText())
}

function operands(node, operator) {
  if (node.kind !== SyntaxKind.BinaryExpression || node.operatorToken.kind !== operator) return [node]
  return [...operands(node.left, operator), ...operands(node.right, operator)]
}

const truths = new Set([
  SyntaxKind.EqualsEqualsEqualsToken,
  SyntaxKind.ExclamationEqualsEqualsToken,
  SyntaxKind.LessThanToken,
  SyntaxKind.LessThanEqualsToken,
  SyntaxKind.GreaterThanToken,
  SyntaxKind.GreaterThanEqualsToken,
  SyntaxKind.InKeyword,
])

/** A returned truth: its parts count no more, or it is true. */
function ofValue(node) {
  if (node.kind === SyntaxKind.PrefixUnaryExpression && node.operator === SyntaxKind.ExclamationToken)
    return [removed(node, 'true')]
  if (node.kind !== SyntaxKind.BinaryExpression) return []
  const operator = node.operatorToken.kind
  if (operator === and) return weakened(node, false)
  if (operator === or) return weakened(node, true)
  return truths.has(operator) ? [removed(node, 'true')] : []
}

function isCall(node) {
  return node.kind === SyntaxKind.AwaitExpression ? isCall(node.expression) : node.kind === SyntaxKind.CallExpression
}
