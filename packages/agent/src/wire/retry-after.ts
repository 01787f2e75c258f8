/** The longest the agent waits by itself, in seconds. */
const longest = 5

/**
 * Seconds to wait before the one retry, from `Retry-After` in seconds; undefined when the server wants more patience
 * than the agent has, or wrote something else. Never 0, so that no server can make the agent hammer it.
 */
export function retryDelay(retryAfter: string | null): number | undefined {
  if (retryAfter === null || !/^\d{1,4}$/.test(retryAfter)) return undefined
  const seconds = Number(retryAfter)
  return seconds > longest ? undefined : Math.max(seconds, 1)
}

/** Seconds this clock is ahead of a `Date` header, where the difference is large enough to break signatures (30 s). */
export function clockSkew(date: string | null, now: number): number | undefined {
  const server = date === null ? Number.NaN : Date.parse(date) / 1000
  const skew = Math.round(now - server)
  return Math.abs(skew) > 30 ? skew : undefined
}

/** A clock that differs so, in a sentence. */
export function describeSkew(skew: number): string {
  return `this clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} its own`
}
