/** How long a span is: `40 s`, `5 min`, `3 h`, `2 days`. */
export function span(seconds: number): string {
  const whole = Math.abs(Math.round(seconds))
  if (whole < 120) return `${whole} s`
  if (whole < 7200) return `${Math.round(whole / 60)} min`
  return whole < 172_800 ? `${Math.round(whole / 3600)} h` : `${Math.round(whole / 86_400)} days`
}

/** A moment in Unix seconds, and how far it is from another: `2027-01-15 08:00:10 UTC, 10 s before`. */
export function moment(seconds: number, now: number): string {
  if (!(Math.abs(seconds) < 8_640_000_000_000)) return 'no time that a calendar has'
  const text = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')
  const away = Math.round(seconds - now)
  const distance = away === 0 ? 'at the same second' : `${span(away)} ${away < 0 ? 'before the message' : 'after it'}`
  return `${text} UTC, ${distance}`
}
