import type { FaultList } from './audit-fault.js'

/** The most differences that are held until the end, where what was moved is found. */
const mostHeld = 10_000

/** A leaf of the tree. */
export interface Leaf {
  readonly index: number
  readonly hash: Buffer
}

/** A line of the file. */
export interface Line {
  readonly line: number
  /** What it says of its place; undefined where it is no event. */
  readonly index?: number
  readonly hash?: Buffer
}

/** What differs between the leaves and the lines. */
export interface Differences {
  /** A leaf that no line is of. */
  leaf(leaf: Leaf): void
  /** A line that is of no leaf. */
  line(line: Line): void
  /** A line in place of a leaf. */
  pair(leaf: Leaf, line: Line): void
  /** A line that says another place than its own. */
  misnumbered(index: number): void
  /** Tells all of them. */
  tell(): void
}

/** Differences on both sides. What is on both was moved. */
export function collectDifferences(faults: FaultList): Differences {
  // bound: one call
  const missing = new Map<string, number>()
  // bound: one call
  const extra: Array<{ readonly line: Line; readonly instead?: Leaf }> = []
  const numbers: Array<[first: number, last: number]> = []
  const hold = (leaf: Leaf): void => {
    if (missing.size < mostHeld) missing.set(leaf.hash.toString('base64'), leaf.index)
    else faults.add({ kind: 'removed', first: leaf.index, last: leaf.index })
  }
  const holdLine = (line: Line, instead?: Leaf): void => {
    if (extra.length < mostHeld) extra.push({ line, ...(instead && { instead }) })
    else faults.add({ kind: 'inserted', line: line.line })
  }
  return {
    leaf: hold,
    line: holdLine,
    misnumbered(index: number) {
      if (numbers.length < mostHeld) addToRanges(numbers, index)
    },
    pair(leaf: Leaf, line: Line) {
      hold(leaf)
      holdLine(line, leaf)
    },
    tell() {
      const rest = extra.filter(({ line: { hash, line } }) => {
        const name = hash?.toString('base64') ?? ''
        const index = missing.get(name)
        if (index === undefined) return true
        missing.delete(name)
        faults.add({ kind: 'moved', index, line })
        return false
      })
      for (const { line, instead } of rest) {
        const isChanged = instead !== undefined && missing.delete(instead.hash.toString('base64'))
        faults.add(
          isChanged
            ? { kind: 'changed', index: instead.index, line: line.line }
            : { kind: 'inserted', line: line.line },
        )
      }
      for (const [first, last] of ranges([...missing.values()])) faults.add({ kind: 'removed', first, last })
      // Last: after one event that is missing, all others may be numbered anew.
      for (const [first, last] of numbers) faults.add({ kind: 'misnumbered', first, last })
    },
  }
}

/** Places that follow each other, as ranges. */
function ranges(places: readonly number[]): Array<[first: number, last: number]> {
  const found: Array<[number, number]> = []
  for (const place of places.toSorted((a, b) => a - b)) addToRanges(found, place)
  return found
}

function addToRanges(found: Array<[first: number, last: number]>, place: number): void {
  const last = found.at(-1)
  // bound: one call
  if (last !== undefined && last[1] === place - 1) last[1] = place
  else found.push([place, place])
}
