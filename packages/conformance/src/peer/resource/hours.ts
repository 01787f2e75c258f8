import type { JsonObject } from '../shared/json.js'

const isClock = (value: unknown): boolean => typeof value === 'string' && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(value)

/** The members of `hours`, and their form. @see protocol §9.2 */
export const isHours: Readonly<Record<string, (value: unknown) => boolean>> = {
  zone: value => typeof value === 'string' && zones.has(value),
  days: value => Array.isArray(value) && value.length > 0 && value.every(day => [1, 2, 3, 4, 5, 6, 7].includes(day)),
  from: isClock,
  to: isClock,
}

const zones: ReadonlySet<string> = new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])
const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** Whether the wall clock of the zone shows a time of the window. */
export function hoursHold(condition: JsonObject, now: number): boolean {
  const { zone, days, from, to } = condition as {
    readonly zone: string
    readonly days: readonly number[]
    readonly from: string
    readonly to: string
  }
  const { day, time } = wallClock(zone, now)
  const isListed = days.includes(day)
  if (from < to) return isListed && from <= time && time < to
  const before = days.includes(day === 1 ? 7 : day - 1)
  return (isListed && from <= time) || (before && time < to)
}

function wallClock(timeZone: string, now: number): { readonly day: number; readonly time: string } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const parts = new Map(format.formatToParts(now * 1000).map(({ type, value }) => [type as string, value]))
  return {
    day: dayNames.indexOf(parts.get('weekday') ?? '') + 1,
    time: `${parts.get('hour')}:${parts.get('minute')}`,
  }
}
