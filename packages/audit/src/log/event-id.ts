import { randomUUID } from 'node:crypto'

/** The last second that an id can hold, in the year 10889. */
export const lastSecond: number = Math.floor((2 ** 48 - 1) / 1000)

/**
 * A new name of an event: a UUID of version 7, which begins with the event's time, by which the tiles are found that may have it.
 * @param time Unix seconds
 * @see RFC 9562 §5.7
 */
export function eventId(time: number): string {
  const milliseconds = (time * 1000).toString(16).padStart(12, '0')
  return `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}-7${randomUUID().slice(15)}`
}

/** The time that an id begins with, Unix seconds; undefined for a text that is no id. */
export function timeIn(id: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.exec(id) ?? []
  return high === undefined ? undefined : Math.floor(Number.parseInt(`${high}${low}`, 16) / 1000)
}
