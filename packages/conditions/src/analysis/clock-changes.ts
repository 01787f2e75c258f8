import { offsetIn } from '@countersign/protocol/internal'
import { week } from './week.js'

/** No zone changes its clocks and changes them back within so few days. */
const fortnight = 2 * week

const year = 365.25 * 24 * 60 * 60

/** 1 January 2026: rules of zones before it are no matter of policies. */
export const horizonBegin = 1_767_225_600

/** Forty years later. */
export const horizonEnd: number = horizonBegin + 40 * year

/** From `since` the clocks of a zone are `offset` seconds ahead of Unix time, until the next change. */
export interface ClockChange {
  readonly since: number
  readonly offset: number
}

/** More than there are zones: what is kept of one takes some 5 KB, and to find it again a hundredth of a second. */
const mostZones = 700
// bound: 700 time zones: more than there are; grown by the program
const horizons = new Map<string, readonly ClockChange[]>()

/** The changes of a zone's clocks in a stretch of time, the first of them at its begin: as the engine knows them. */
export function clockChanges(zone: string, from: number, to: number): readonly ClockChange[] {
  if (from < horizonBegin || to > horizonEnd) return findChanges(zone, from, to)
  const all = horizons.get(zone) ?? remember(zone)
  const first = all.findLastIndex(({ since }) => since <= from)
  return all
    .slice(first)
    .filter(({ since }) => since < to)
    .map((change, i) => (i === 0 ? { ...change, since: from } : change))
}

function remember(zone: string): readonly ClockChange[] {
  const found = findChanges(zone, horizonBegin, horizonEnd)
  if (horizons.size < mostZones) horizons.set(zone, found)
  return found
}

function findChanges(zone: string, from: number, to: number): ClockChange[] {
  const offsetAt = offsetIn(zone)
  const changes = [{ since: from, offset: offsetAt(from) }]
  for (let at = from; at < to; at += fortnight) {
    const next = Math.min(at + fortnight, to)
    const offset = offsetAt(next)
    if (offset === changes.at(-1)?.offset) continue
    changes.push({ since: changeBetween(offsetAt, at, next), offset })
  }
  return changes
}

function changeBetween(offsetAt: (time: number) => number, from: number, to: number): number {
  const offset = offsetAt(from)
  let [same, changed] = [from, to]
  while (changed - same > 1) {
    const middle = Math.floor((same + changed) / 2)
    if (offsetAt(middle) === offset) same = middle
    else changed = middle
  }
  return changed
}
