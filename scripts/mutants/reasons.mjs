// Which clause a refusal enforces: its reason names one in `@countersign/protocol/reasons`.
import { posix } from 'node:path'
import { reasons } from '@countersign/protocol/reasons'
import { SyntaxKind } from 'typescript/unstable/ast'
import { descendants } from './tree.mjs'

/** Reasons that a thrown or returned expression names, as `reason:` or as an argument of a function that makes the refusal. */
function literalReasons(expression) {
  const found = []
  for (const node of descendants(expression)) {
    if (node.kind !== SyntaxKind.StringLiteral || !Object.hasOwn(reasons, node.text)) continue
    if (isReasonPlace(node)) found.push(node.text)
  }
  return found
}

function isReasonPlace(node) {
  let place = node
  while (
    place.parent.kind === SyntaxKind.ConditionalExpression ||
    place.parent.kind === SyntaxKind.ParenthesizedExpression
  )
    place = place.parent
  const { parent } = place
  if (parent.kind === SyntaxKind.PropertyAssignment) return parent.name.text === 'reason'
  return parent.kind === SyntaxKind.CallExpression && parent.expression !== place
}

/** Functions of a file that only make a refusal, with its reasons, by name: `throw notAnAuthServer()` has the reason that is in there. */
function makersIn(source) {
  const makers = new Map()
  for (const node of descendants(source)) {
    if (node.kind !== SyntaxKind.FunctionDeclaration || node.body === undefined) continue
    const returned = node.body.statements.at(-1)
    const isPlain = !node.body.statements.some(one => one.kind === SyntaxKind.IfStatement)
    if (returned?.kind !== SyntaxKind.ReturnStatement || returned.expression === undefined || !isPlain) continue
    const named = literalReasons(returned.expression)
    if (named.length > 0) makers.set(node.name.text, named)
  }
  return makers
}

/** The functions that make a refusal and can be called in a file, by the name that they have there: its own, and what it imports. */
export function refusalMakers(sources) {
  const own = new Map([...sources].map(([file, source]) => [file, makersIn(source)]))
  return file => {
    const makers = new Map(own.get(file))
    for (const { moduleSpecifier, importClause } of sources.get(file).statements) {
      if (moduleSpecifier?.text?.startsWith('.') !== true) continue
      const from = own.get(posix.join(posix.dirname(file), moduleSpecifier.text.replace(/\.js$/, '.ts')))
      for (const { name, propertyName } of importClause?.namedBindings?.elements ?? []) {
        const named = from?.get((propertyName ?? name).text)
        if (named !== undefined) makers.set(name.text, named)
      }
    }
    return makers
  }
}

/** The clauses that a refusal enforces, none where the expression is no refusal. */
export function clausesOf(expression, makers) {
  if (expression === undefined) return []
  const named = literalReasons(expression)
  for (const node of descendants(expression))
    if (node.kind === SyntaxKind.CallExpression && node.expression.kind === SyntaxKind.Identifier)
      named.push(...(makers.get(node.expression.text) ?? []))
  return [...new Set(named.map(reason => reasons[reason].clause))]
}
