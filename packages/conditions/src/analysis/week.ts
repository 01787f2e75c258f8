import type { HoursCondition } from '@countersign/protocol'

/** Seconds of a day on a wall clock without a change. */
export const day: number = 24 * 60 * 60
/** Seconds of a week on a wall clock without a change. */
export const week: number = 7 * day

/** From `begin` to before `end`, seconds since Monday 00:00. */
interface Interval {
  readonly begin: number
  readonly end: number
}

/** Times of the week: in order, apart, within one week. */
export type Times = readonly Interval[]

/** All of the week. */
export const allWeek: Times = [{ begin: 0, end: week }]

/** The times at which the clocks show a time within the window. */
export function timesOf({ days, from, to }: HoursCondition): Times {
  const begin = secondsOf(from)
  const end = secondsOf(to)
  const length = begin < end ? end - begin : day - begin + end
  return ordered(
    [...new Set(days)].map(each => ({ begin: (each - 1) * day + begin, end: (each - 1) * day + begin + length })),
  )
}

function secondsOf(time: string): number {
  return Number(time.slice(0, 2)) * 3600 + Number(time.slice(3)) * 60
}

/** The same times on a clock that is behind by so many seconds. */
export function shifted(times: Times, seconds: number): Times {
  return ordered(times.map(({ begin, end }) => ({ begin: begin - seconds, end: end - seconds })))
}

/** The times of both. */
export function both(a: Times, b: Times): Times {
  return a.flatMap(one =>
    b.flatMap(other => {
      const begin = Math.max(one.begin, other.begin)
      const end = Math.min(one.end, other.end)
      return begin < end ? [{ begin, end }] : []
    }),
  )
}

/** The times that are not these. */
export function others(times: Times): Times {
  const gaps: Interval[] = []
  let at = 0
  for (const { begin, end } of times) {
    if (at < begin) gaps.push({ begin: at, end: begin })
    at = end
  }
  return at < week ? [...gaps, { begin: at, end: week }] : gaps
}

/** The first of the times that is not before `second`, counted on beyond the end of the week. */
export function nextOf(times: Times, second: number): number | undefined {
  const following = times.find(({ end }) => second < end)
  if (following !== undefined) return Math.max(second, following.begin)
  const [first] = times
  return first === undefined ? undefined : week + first.begin
}

/** Cuts at the end of the week, puts in order, joins what touches. */
function ordered(intervals: readonly Interval[]): Times {
  const within = intervals.flatMap(({ begin, end }) => {
    const start = ((begin % week) + week) % week
    const stop = start + (end - begin)
    return stop <= week
      ? [{ begin: start, end: stop }]
      : [
          { begin: start, end: week },
          { begin: 0, end: stop - week },
        ]
  })
  const joined: Interval[] = []
  let last: Interval | undefined
  for (const next of within.toSorted((a, b) => a.begin - b.begin)) {
    if (last !== undefined && next.begin <= last.end) joined.pop()
    const begin = last !== undefined && next.begin <= last.end ? last.begin : next.begin
    last = { begin, end: Math.max(next.end, begin === next.begin ? 0 : (last?.end ?? 0)) }
    joined.push(last)
  }
  return joined
}
