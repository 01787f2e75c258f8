import { boundedMap } from '../internal/bounded-map.js'
import type { HoursCondition } from './condition.js'

/** Seconds of a day on a wall clock without a change. */
export const day: number = 24 * 60 * 60

/** Some zones change their clocks twice within eight days, as Gaza's around Ramadan of 2040; none does within so few. */
const period = 3 * day

/** By how many seconds the clocks of a zone are ahead of Unix time in one period: `before` a change, and from then on `after` it. */
interface Span {
  readonly before: number
  readonly after: number
  readonly change: number
  readonly end: number
}

/** Tells by how many seconds the clocks of a zone are ahead of Unix time. */
export type Offset = (time: number) => number

/**
 * A formatter costs more than a signature, and a stranger's token may name 28 zones: each zone is asked of it once in three days. All
 * zones that engines know, of the eight days that a window may last, have room; what another token holds is no part of it.
 */
// bound: 2048 periods of three days, of zones that the engine knows; bytes: 2048 × 200; grown by a stranger; shared: by
// use; four periods of each zone have room; filled by kept-zones.test.ts "zones are kept by their names"
const spans = boundedMap<string, Span>(2048)

/** A formatter takes some tens of kilobytes, and is only needed for a zone and a period that are new. */
// bound: 64 formatters; bytes: 64 × some tens of KB; grown by a stranger; shared: by use: a zone whose periods are kept
// needs none; filled by kept-zones.test.ts "zones are kept by their names"
const offsets = boundedMap<string, Offset>(64)

/** What the clocks of the condition's zone show, as seconds since 1970 of that clock. */
export function wallClock({ zone }: HoursCondition, now: number): number {
  const { before, after, change } = spanAt(zone, now)
  return now + (now < change ? before : after)
}

/** A time after `now` until which the clocks of the zone are not changed: that of their next change, where it is near. */
export function nextChange({ zone }: HoursCondition, now: number): number {
  const { change, end } = spanAt(zone, now)
  return now < change ? change : end
}

function spanAt(zone: string, now: number): Span {
  const number = Math.floor(now / period)
  const key = `${number} ${zone}`
  const known = spans.get(key)
  if (known !== undefined) return known
  const span = findSpan(zone, number * period)
  spans.set(key, span)
  return span
}

function findSpan(zone: string, begin: number): Span {
  const offsetAt = offsetIn(zone)
  const end = begin + period
  const [before, after] = [offsetAt(begin), offsetAt(end)]
  // Two equal ends have nothing between them.
  if (before === after) return { before, after, change: end, end }
  let [same, change] = [begin, end]
  while (change - same > 1) {
    const middle = Math.floor((same + change) / 2)
    if (offsetAt(middle) === before) same = middle
    else change = middle
  }
  return { before, after, change, end }
}

/** By how many seconds the clocks of a zone are ahead of Unix time. */
export function offsetIn(zone: string): Offset {
  const known = offsets.get(zone)
  if (known !== undefined) return known
  const offset = makeOffset(zone)
  offsets.set(zone, offset)
  return offset
}

function makeOffset(zone: string): Offset {
  const numeric = 'numeric'
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  })
  return time => {
    const parts = new Map(format.formatToParts(time * 1000).map(({ type, value }) => [type, Number(value)]))
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? Number.NaN
    const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
    return shown / 1000 - time
  }
}
