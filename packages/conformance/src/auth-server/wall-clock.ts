/** A zone without summer time in which it is day, so that windows around now do not cross midnight by chance. */
export function dayZone(now: number): string {
  const hour = new Date(now * 1000).getUTCHours()
  return hour >= 4 && hour < 19 ? 'UTC' : 'Asia/Tokyo'
}

/** The wall clock of the zone. */
export interface WallClock {
  readonly zone: string
  /** ISO weekday, 1 for Monday. */
  readonly day: number
  /** `HH:MM` as many minutes from now, on this day. */
  at(minutes: number): string
  /** Unix time of that minute. */
  timeAt(minutes: number): number
}

/** Reads the wall clock of a zone in which it is day. */
export function wallClock(now: number): WallClock {
  const zone = dayZone(now)
  const offset = zone === 'UTC' ? 0 : 9 * 3600
  const minuteOf = (minutes: number): number => Math.floor(now / 60) * 60 + minutes * 60
  const local = (minutes: number): Date => new Date((minuteOf(minutes) + offset) * 1000)
  return {
    zone,
    day: local(0).getUTCDay() || 7,
    at: minutes => local(minutes).toISOString().slice(11, 16),
    timeAt: minuteOf,
  }
}

/** The weekday before. */
export function dayBefore(day: number): number {
  return day === 1 ? 7 : day - 1
}
