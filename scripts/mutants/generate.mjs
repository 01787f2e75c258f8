// All mutants of the product: for each check that a clause id marks, what is left when it is removed or weakened.
import { SyntaxKind } from 'typescript/unstable/ast'
import { changesOf } from './changes.mjs'
import { checksOf } from './checks.mjs'
import { refusalMakers } from './reasons.mjs'
import { readSources, sourceFiles } from './sources.mjs'
import { descendants, oneLine, placeOf } from './tree.mjs'

/**
 * A mutant: its id, made of file, requirement, kind and ordinal; the requirements that its check enforces; what is changed, in words; and
 * the change itself, which `mutated` makes.
 */
export function generateMutants() {
  return readChecks(byFile => byFile.flatMap(({ file, source, checks }) => mutantsOf(file, source, checks)))
}

/** The sources in which each check tells `reached` when it refuses. */
export function instrumentedSources() {
  return readChecks(byFile =>
    byFile
      .filter(({ checks }) => checks.some(isReachable))
      .map(({ file, source, checks }) => ({ file, text: instrumented(file, source.text, checks.filter(isReachable)) })),
  )
}

function readChecks(use) {
  const files = sourceFiles()
  return readSources(files, sources => {
    const makersOf = refusalMakers(sources)
    return use(
      files.map(file => {
        const source = sources.get(file)
        const checks = checksOf(source, makersOf(file)).sort((one, other) => one.node.pos - other.node.pos)
        return { file, source, checks }
      }),
    )
  })
}

const isReachable = ({ kind }) => ['refuses', 'accepts', 'value', 'call'].includes(kind)

function instrumented(file, text, checks) {
  const parts = checks.flatMap(({ node, kind }) => {
    const [before, after] = wrapping(`'${file}:${node.getStart()}'`, node, kind)
    return [
      { at: node.getStart(), text: before },
      { at: node.end, text: after },
    ]
  })
  return parts.sort((one, other) => other.at - one.at).reduce((made, one) => insert(made, one), text)
}

/** What stands around a check so that it tells when it refuses: a call refuses when it throws. */
function wrapping(key, node, kind) {
  if (kind !== 'call') return [`globalThis.reached(${key}, `, `, ${kind === 'refuses'})`]
  // Without a parenthesis in front, which would call what stands on the line before.
  return [...descendants(node)].some(({ kind: inner }) => inner === SyntaxKind.AwaitExpression)
    ? [`await globalThis.threw(${key}, async () => (`, '))']
    : [`globalThis.threw(${key}, () => (`, '))']
}

function insert(text, { at, text: added }) {
  return text.slice(0, at) + added + text.slice(at)
}

function mutantsOf(file, source, checks) {
  const counts = new Map()
  return checks.flatMap(check => changesOf(check).map(change => mutantOf({ file, source, check, change, counts })))
}

function mutantOf({ file, source, check, change, counts }) {
  const requirements = check.ids.length > 0 ? check.ids : check.clauses
  const stem = `${file.replace(/^packages\/([^/]+)\/src\/(.*)\.tsx?$/, '$1/$2')}:${requirements[0]}:${change.how}`
  const count = (counts.get(stem) ?? 0) + 1
  counts.set(stem, count)
  return {
    id: count === 1 ? stem : `${stem}-${count}`,
    file,
    requirements,
    at: placeOf(change.node),
    check: oneLine(change.node.getText()),
    instead: change.text,
    key: `${file}:${check.node.getStart()}`,
    isReachable: isReachable(check),
    change: { start: change.node.getStart(), end: change.node.end, text: change.text, source: source.text },
  }
}

/** The source of a mutant. */
export function mutated({ change: { start, end, text, source } }) {
  // A removed member of a list leaves its comma, which would be an empty place.
  const rest = text === '' ? source.slice(end).replace(/^\s*,/, '') : source.slice(end)
  return source.slice(0, start) + text + rest
}
