/** How pages show times, all in UTC. */
interface TimeFormats {
  readonly date: Intl.DateTimeFormat
  readonly timeOfDay: Intl.DateTimeFormat
  readonly dateAndTime: Intl.DateTimeFormat
}

function formatsOf(locale: Locale): TimeFormats {
  const format = (style: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale, { ...style, timeZone: 'UTC' })
  return {
    date: format({ dateStyle: 'long' }),
    timeOfDay: format({ timeStyle: 'medium' }),
    dateAndTime: format({ dateStyle: 'long', timeStyle: 'short' }),
  }
}

/** A locale of the messages. */
export type Locale = 'en-GB' | 'de-DE'

/** Made once: to make one takes longer than all the rest of an entry of a page. */
const formats: Readonly<Record<Locale, TimeFormats>> = { 'en-GB': formatsOf('en-GB'), 'de-DE': formatsOf('de-DE') }

/** A date, in UTC. @param seconds Unix seconds */
export function date(seconds: number, locale: Locale): string {
  return formats[locale].date.format(seconds * 1000)
}

/** A time of day to the second, in UTC. */
export function timeOfDay(seconds: number, locale: Locale): string {
  return formats[locale].timeOfDay.format(seconds * 1000)
}

/** A date and a time to the minute, in UTC. */
export function dateAndTime(seconds: number, locale: Locale): string {
  return formats[locale].dateAndTime.format(seconds * 1000)
}
