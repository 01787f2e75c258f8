import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import ICAL from 'ical.js'

/** One event of the calendar. */
export interface CalendarEvent {
  readonly uid: string
  /** First day, `YYYY-MM-DD`. */
  readonly start: string
  /** The day after the last, `YYYY-MM-DD`. */
  readonly end: string
  readonly summary: string
  readonly location: string
}

/** Twenty years of public holidays, read from the iCalendar files that the package `chinese-days` ships. */
export function publicHolidays(): CalendarEvent[] {
  const folder = join(dirname(createRequire(import.meta.url).resolve('chinese-days/package.json')), 'dist', 'years')
  return readdirSync(folder)
    .filter(file => file.endsWith('.en.ics'))
    .sort()
    .flatMap(file => eventsIn(readFileSync(join(folder, file), 'utf8')))
}

function eventsIn(icalendar: string): CalendarEvent[] {
  return new ICAL.Component(ICAL.parse(icalendar)).getAllSubcomponents('vevent').map(component => {
    const event = new ICAL.Event(component)
    return {
      uid: event.uid,
      start: event.startDate.toString(),
      end: event.endDate.toString(),
      summary: event.summary,
      location: event.location,
    }
  })
}
