import type { HoursCondition, UntilCondition } from '@countersign/protocol'
import { type ClockChange, clockChanges, horizonBegin, horizonEnd } from './clock-changes.js'
import { allWeek, both, day, nextOf, others, shifted, type Times, timesOf, week } from './week.js'

const year = 366 * day
/** What a `Date` can hold. */
const lastSecond = 8_640_000_000_000

/** Times that are asked for. */
export interface Asked {
  /** All of these hold. */
  readonly until: readonly UntilCondition[]
  /** All of these hold. */
  readonly inside: readonly HoursCondition[]
  /** This one does not. */
  readonly outside?: HoursCondition
  /** Not before this time. */
  readonly from?: number
}

/**
 * The first such second. Without `hours` exact for all times; with them from 2026 until 2066, by the rules of zones that the engine has,
 * and for a year before an `until` that is earlier, or after a `from` that is later.
 */
export function momentOf({ until, inside, outside, from = 0 }: Asked): number | undefined {
  const end = Math.min(...until.map(({ time }) => time))
  const hours = outside === undefined ? inside : [...inside, outside]
  if (hours.length === 0) return from < end ? usualMoment(from, end) : undefined
  const last = Math.min(end, lastSecond)
  const begin = Math.max(from, 0, Math.min(horizonBegin, last - year))
  const stop = Math.min(last, Math.max(horizonEnd, begin + year))
  if (stop <= begin) return undefined
  const today = Math.max(begin, Math.min(horizonBegin, stop))
  // A time of today's policies where there is one.
  return search({ inside, outside, begin: today, stop }) ?? search({ inside, outside, begin, stop: today })
}

/** A time of today's policies where the bounds let it. */
function usualMoment(from: number, end: number): number {
  return Math.max(from, Math.min(horizonBegin, end - 1))
}

interface Search {
  readonly inside: readonly HoursCondition[]
  readonly outside: HoursCondition | undefined
  readonly begin: number
  readonly stop: number
}

/** Between two changes of clocks each window is the same times of each week. */
function search({ inside, outside, begin, stop }: Search): number | undefined {
  if (stop <= begin) return undefined
  const windows = [
    ...inside.map(({ zone, ...rest }) => ({ zone, times: timesOf({ zone, ...rest }) })),
    ...(outside === undefined ? [] : [{ zone: outside.zone, times: others(timesOf(outside)) }]),
  ]
  const zones = [...new Set(windows.map(({ zone }) => zone))]
  // Clocks of one zone agree, whatever they show.
  const onOneClock = zones.map(zone => allOf(windows.filter(window => window.zone === zone).map(({ times }) => times)))
  if (onOneClock.some(times => times.length === 0)) return undefined
  const known = new Map<string, Times>()
  const changes = zones.map(zone => clockChanges(zone, begin, stop))
  for (const { since, end, offsets } of spansOf(changes, stop)) {
    const key = offsets.join()
    const times = known.get(key) ?? allOf(onOneClock.map((one, i) => shifted(one, offsets[i] ?? 0)))
    known.set(key, times)
    const found = firstIn(times, since)
    if (found !== undefined && found < end) return found
  }
  return undefined
}

function allOf(sets: readonly Times[]): Times {
  return sets.reduce(both, allWeek)
}

interface Span {
  readonly since: number
  readonly end: number
  /** Of each zone. */
  readonly offsets: readonly number[]
}

/** The spans in which no zone changes its clocks. */
function* spansOf(zones: ReadonlyArray<readonly ClockChange[]>, stop: number): Generator<Span> {
  const at = zones.map(() => 0)
  const begins = [...new Set(zones.flat().map(({ since }) => since))].toSorted((a, b) => a - b)
  for (const [i, since] of begins.entries()) {
    for (const [zone, changes] of zones.entries())
      while ((changes[(at[zone] ?? 0) + 1]?.since ?? stop) <= since) at[zone] = (at[zone] ?? 0) + 1
    yield {
      since,
      end: begins[i + 1] ?? stop,
      offsets: zones.map((changes, zone) => changes[at[zone] ?? 0]?.offset ?? 0),
    }
  }
}

/** The first second, not before `since`, that is among these times of the week in UTC. 1 January 1970 was a Thursday. */
function firstIn(times: Times, since: number): number | undefined {
  const ofWeek = (since + 3 * day) % week
  const next = nextOf(times, ofWeek)
  return next === undefined ? undefined : since - ofWeek + next
}
