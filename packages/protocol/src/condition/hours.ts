import type { HoursCondition } from './condition.js'
import { day, nextChange, wallClock } from './wall-clock.js'

/** Windows begin anew each week: one that has not ended after eight days never does. */
const longest = 8 * day

/**
 * Tells whether the clocks of the zone show a time within the window. An hour that summer time skips is never shown; one that comes
 * twice is shown twice.
 * @param now Unix seconds
 */
export function isWithinHours(condition: HoursCondition, now: number): boolean {
  return secondsLeft(condition, wallClock(condition, now)) > 0
}

/**
 * The first Unix second from `now` on that is outside of the window; undefined where windows follow each other for ever.
 * @param now Unix seconds
 */
export function endOfHours(condition: HoursCondition, now: number): number | undefined {
  let at = now
  while (at < now + longest) {
    const left = secondsLeft(condition, wallClock(condition, at))
    if (left === 0) return at
    // A change of the clocks may end the window early, or give it more time.
    at = Math.min(at + left, nextChange(condition, at))
  }
  return undefined
}

/** Seconds until the window ends, if the clocks run on unchanged; 0 outside of it. */
function secondsLeft({ days, from, to }: HoursCondition, shown: number): number {
  // West of Greenwich the first hours of 1970 were still in 1969: below zero, `%` would be as well.
  const daysSince = Math.floor(shown / day)
  const ofDay = shown - daysSince * day
  // 1 January 1970 was a Thursday.
  const weekday = ((((daysSince + 3) % 7) + 7) % 7) + 1
  const [begin, end] = [secondsOf(from), secondsOf(to)]
  if (begin < end) return days.includes(weekday) && begin <= ofDay && ofDay < end ? end - ofDay : 0
  // A window over midnight belongs to the day it began, and may last 24 hours.
  if (ofDay >= begin && days.includes(weekday)) return day - ofDay + end
  return ofDay < end && days.includes(weekday === 1 ? 7 : weekday - 1) ? end - ofDay : 0
}

function secondsOf(time: string): number {
  return Number(time.slice(0, 2)) * 3600 + Number(time.slice(3)) * 60
}
