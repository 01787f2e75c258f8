import { leafOf } from '../event/leaf.js'
import { leafHash } from '../tree/hash.js'
import type { FaultList } from './audit-fault.js'
import { collectDifferences, type Differences, type Leaf, type Line } from './differences.js'

/** How far to look for the other side of a difference: more removed or inserted in one place is found, but told line by line. */
const lookahead = 64
/** Compares the events of a file with the leaves of a tree. */
export interface EventComparison {
  /** Takes the next leaves of the tree. */
  addLeaves(leaves: readonly Leaf[]): Promise<void>
  /** Compares what is left, and tells all faults. */
  end(): Promise<void>
  /** Lines that were read. */
  readonly lines: number
  /** The place of the first event, as it says itself; undefined in an empty file. */
  first(): Promise<number | undefined>
}

/** Reads one line: its place, and the hash of the leaf that it gives. */
function lineOf(text: string | undefined, line: number): Line {
  const [start = '', index] = /^\{"index":(0|[1-9]\d{0,15}),/.exec(text ?? '') ?? []
  if (text === undefined || index === undefined) return { line }
  try {
    return { line, index: Number(index), hash: leafHash(leafOf(`{${text.slice(start.length)}`)) }
  } catch {
    return { line }
  }
}

/** @param texts the lines of the file; undefined for one that is too long */
export function compareEvents(texts: AsyncIterator<string | undefined>, faults: FaultList): EventComparison {
  const differences = collectDifferences(faults)
  // bound: one call
  const leaves: Leaf[] = []
  // bound: one call: four times lookahead
  const lines: Line[] = []
  let read = 0
  let hasEnded = false

  async function fill(count: number): Promise<void> {
    while (!hasEnded && lines.length < count) {
      const { done, value } = await texts.next()
      if (done === true) hasEnded = true
      else lines.push(lineOf(value, ++read))
    }
  }

  /** Compares while both sides can be looked ahead at. */
  async function compare(keep: number): Promise<void> {
    let [usedLeaves, usedLines] = [0, 0]
    const drop = (): void => {
      leaves.splice(0, usedLeaves)
      lines.splice(0, usedLines)
      usedLeaves = 0
      usedLines = 0
    }
    for (;;) {
      if (lines.length - usedLines <= lookahead) {
        drop()
        await fill(4 * lookahead)
      }
      const [leaf, line] = [leaves[usedLeaves], lines[usedLines]]
      if (leaf === undefined || line === undefined || leaves.length - usedLeaves <= keep) break
      const isSame = line.index === leaf.index && line.hash?.equals(leaf.hash) === true
      if (!isSame) drop()
      const used = isSame ? both : step({ leaves, lines }, differences)
      usedLeaves += used.leaves
      usedLines += used.lines
    }
    drop()
  }

  return {
    get lines() {
      return read
    },
    async first() {
      await fill(1)
      return lines[0]?.index ?? (lines.length > 0 ? 0 : undefined)
    },
    async addLeaves(more) {
      leaves.push(...more)
      await compare(lookahead)
    },
    async end() {
      await compare(0)
      for (const leaf of leaves) differences.leaf(leaf)
      for (; lines.length > 0; await fill(1)) for (const line of lines.splice(0)) differences.line(line)
      differences.tell()
    },
  }
}

const both = { leaves: 1, lines: 1 }

/** What to pass over on each side, where the first leaf and the first line may differ. */
function step(
  { leaves, lines }: { readonly leaves: readonly Leaf[]; readonly lines: readonly Line[] },
  differences: Differences,
): { readonly leaves: number; readonly lines: number } {
  const [leaf, line] = [leaves[0] as Leaf, lines[0] as Line]
  if (line.hash?.equals(leaf.hash) === true) {
    if (line.index !== leaf.index) differences.misnumbered(leaf.index)
    return both
  }
  const ahead = leaves.findIndex(({ hash }, at) => at <= lookahead && line.hash?.equals(hash) === true)
  const behind = lines.findIndex(({ hash }, at) => at <= lookahead && hash?.equals(leaf.hash) === true)
  if (ahead < 0 && behind < 0) {
    differences.pair(leaf, line)
    return both
  }
  if (behind < 0 || (ahead > 0 && ahead <= behind)) {
    for (const each of leaves.slice(0, ahead)) differences.leaf(each)
    return { leaves: ahead, lines: 0 }
  }
  for (const each of lines.slice(0, behind)) differences.line(each)
  return { leaves: 0, lines: behind }
}
