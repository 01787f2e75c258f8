import {
  type Bound,
  type BoundComment,
  boundComments,
  commentAbove,
  type Kept,
  readBound,
} from './bound-comment.fixture.js'
import { type Collection, collectionsIn } from './bounded-collections.fixture.js'
import { doubtAbout, isGrownLater, waitingLoop } from './one-call.fixture.js'
import { functionOf, type Tree, treeOf } from './source-tree.fixture.js'

/** What a file holds. */
export interface Bounded {
  /** Each with its line, and what to do. */
  readonly faults: readonly string[]
  /** Names of the collections whose source shows that they need no comment. */
  readonly shown: readonly string[]
  /** Names of those that have a comment of a word. */
  readonly brief: readonly string[]
  readonly kept: readonly KeptCollection[]
}

export interface KeptCollection extends Kept {
  readonly name: string
}

/** Reads the collections of a source, and the comments that say what bounds them: one comment for each. */
export function boundedIn(text: string, lang: 'ts' | 'tsx' = 'ts'): Bounded {
  const tree = treeOf(text, lang)
  const left = new Set<BoundComment>(boundComments(tree))
  const faults: string[] = []
  const groups = { shown: [] as string[], brief: [] as string[], kept: [] as KeptCollection[] }
  for (const { one, doubt } of judged(tree)) {
    const comment = commentAbove(tree, [...left], one.home)
    if (comment !== undefined) left.delete(comment)
    const bound = comment === undefined ? undefined : readBound(comment.text)
    const fault = typeof bound === 'string' ? bound : faultOf(tree, one, { doubt, bound })
    if (fault !== undefined) faults.push(`line ${lineOf(text, one.home.start)}, ${one.name}: ${fault}`)
    if (bound === undefined) groups.shown.push(one.name)
    else if (typeof bound === 'object' && bound.kind === 'kept') groups.kept.push({ ...bound, name: one.name })
    else groups.brief.push(one.name)
  }
  for (const { start } of left)
    faults.push(`line ${lineOf(text, start)}: no collection stands below this comment; remove it`)
  return { faults, ...groups }
}

/** The collections of a source: first those that need a comment, which is then no other's. */
function judged(tree: Tree): readonly { readonly one: Collection; readonly doubt: string | undefined }[] {
  const all = collectionsIn(tree).map(one => ({ one, doubt: doubtAbout(tree, one) }))
  return all.toSorted((a, b) => Number(a.doubt === undefined) - Number(b.doubt === undefined))
}

interface Said {
  /** Why the collection needs a comment. */
  readonly doubt: string | undefined
  /** What its comment says. */
  readonly bound: Bound | undefined
}

function faultOf(tree: Tree, one: Collection, { doubt, bound }: Said): string | undefined {
  if (bound === undefined) return doubt === undefined ? undefined : `write "// bound: …" above it, since ${doubt}`
  if (bound.kind === 'kept') return undefined
  if (doubt === undefined) return 'the source shows that it holds constants or lives in one call; remove the comment'
  if (bound.kind === 'fixed' && isGrownLater(tree, one))
    return 'something is added to it later, so it is not fixed; say its bound'
  if (bound.kind === 'fixed') return undefined
  if (functionOf(one.home) === undefined && one.home.type !== 'PropertyDefinition')
    return 'it stands in no function, so it outlives a call; say its bound'
  if (doubt === waitingLoop && bound.says === undefined)
    return 'it grows in a loop that waits; write "// bound: one call: …", and how much that is'
  return undefined
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}
