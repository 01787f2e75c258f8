// Comments that name a requirement, and what they stand beside.
import { requirements } from '@countersign/requirements'
import { getLeadingCommentRanges, getTrailingCommentRanges, SyntaxKind } from 'typescript/unstable/ast'
import { descendants, isFunction } from './tree.mjs'

/** Ids that a comment can name: a clause has a dot, a case a number. No other word of a text looks so. */
const known = new Set(requirements.filter(({ id }) => /[.\d]/.test(id)).map(({ id }) => id))

const statements = new Set([
  SyntaxKind.IfStatement,
  SyntaxKind.ReturnStatement,
  SyntaxKind.ThrowStatement,
  SyntaxKind.ExpressionStatement,
  SyntaxKind.VariableStatement,
  SyntaxKind.ForOfStatement,
  SyntaxKind.ForStatement,
  SyntaxKind.WhileStatement,
  SyntaxKind.TryStatement,
  SyntaxKind.PropertyAssignment,
])

function canBeMarked(node) {
  return statements.has(node.kind) || isFunction(node) || node.parent?.kind === SyntaxKind.ArrayLiteralExpression
}

/** Each node that a comment with ids stands before, or behind on its first line, with these ids. */
export function marksOf(source) {
  const { text } = source
  const marks = new Map()
  const comments = new Map()
  for (const node of descendants(source)) {
    for (const range of [
      ...(getLeadingCommentRanges(text, node.pos) ?? []),
      ...(getTrailingCommentRanges(text, node.end) ?? []),
    ])
      comments.set(range.pos, range)
  }
  const nodes = [...descendants(source)].filter(canBeMarked)
  for (const { pos, end } of comments.values()) {
    const ids = idsIn(text.slice(pos, end))
    const node = ids.length === 0 ? undefined : besideOf(nodes, text, { pos, end })
    if (node !== undefined) marks.set(node, [...(marks.get(node) ?? []), ...ids])
  }
  return marks
}

function idsIn(comment) {
  return (comment.match(/[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9]/g) ?? []).filter(word => known.has(word))
}

/** Behind code on its line: the outermost that begins on that line. On a line of its own: the outermost that begins after it. */
function besideOf(nodes, text, { pos, end }) {
  const line = text.lastIndexOf('\n', pos - 1) + 1
  const isBehind = text.slice(line, pos).trim() !== ''
  if (isBehind) return nodes.find(node => node.getStart() >= line && node.getStart() < pos)
  return nodes.find(node => node.getStart() >= end && onlyTrivia(text.slice(end, node.getStart())))
}

function onlyTrivia(text) {
  return (
    text
      .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
      .replace(/\b(export|async|default)\b/g, '')
      .trim() === ''
  )
}
