import type { HoursCondition } from '@countersign/protocol'
import type { Messages } from '../messages/en.js'
import { all, fill } from './wording.js'

const midnight = '00:00'
const year9999 = Date.UTC(9999, 11, 31) / 1000

/** The sentence of an `until`, as clocks of the zone show it. */
export function explainUntil(time: number, zone: string, messages: Messages): string {
  if (time > year9999) return messages.untilFar
  const format = (style: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(messages.locale, { ...style, timeZone: zone }).format(time * 1000)
  return fill(messages.until, {
    date: format({ day: 'numeric', month: 'long', year: 'numeric' }),
    time: format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
    zone: zoneName(zone, messages),
  })
}

/** The sentence of an `hours`. */
export function explainHours({ zone, days, from, to }: HoursCondition, messages: Messages): string {
  const { hours } = messages
  const isAllDay = from === midnight && to === midnight
  const each = [...new Set(days)].sort((a, b) => a - b)
  if (from === to && each.length === 7) return hours.always
  const values = { days: daysOf(each, messages), zone: zoneName(zone, messages), from }
  if (isAllDay) return fill(hours.allDay, values)
  // A window until midnight ends on its own day for everyone but programs.
  if (to === midnight) return fill(hours.sameDay, { ...values, to: '24:00' })
  return fill(from < to ? hours.sameDay : hours.nextDay, { ...values, to })
}

function zoneName(zone: string, messages: Messages): string {
  return zone === 'UTC' ? zone : fill(messages.zone, { zone: zone.replaceAll('_', ' ') })
}

/** Monday to Friday and Sunday: three days or more in a row are a run. */
function daysOf(days: readonly number[], messages: Messages): string {
  const { hours } = messages
  if (days.length === 7) return hours.everyDay
  const nameOf = (day: number): string => hours.days[day - 1] ?? ''
  const parts: string[] = []
  for (let i = 0; i < days.length; i++) {
    const first = days[i] ?? 0
    let last = first
    while (days[i + last - first + 1] === last + 1) last++
    if (last - first < 2) parts.push(nameOf(first))
    else {
      parts.push(fill(hours.run, { first: nameOf(first), last: nameOf(last) }))
      i += last - first
    }
  }
  return all(parts, messages)
}
