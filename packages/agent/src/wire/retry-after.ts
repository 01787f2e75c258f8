/** The longest time that the agent waits by itself, in seconds. */
const longest = 5

/**
 * Returns the seconds to wait before the one retry, from `Retry-After`; undefined when that is too long, or not a number of
 * seconds. Never 0, so that no server can make the agent hammer it.
 */
export function retryDelay(retryAfter: string | null): number | undefined {
  if (retryAfter === null || !/^\d{1,4}$/.test(retryAfter)) return undefined
  const seconds = Number(retryAfter)
  return seconds > longest ? undefined : Math.max(seconds, 1)
}

/** Returns the seconds by which this clock is ahead of a `Date` header, if the difference (over 30 s) can break signatures. */
export function clockSkew(date: string | null, now: number): number | undefined {
  const server = date === null ? Number.NaN : Date.parse(date) / 1000
  const skew = Math.round(now - server)
  return Math.abs(skew) > 30 ? skew : undefined
}

/** Describes a clock skew. */
export function describeSkew(skew: number): string {
  return `this clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} its own`
}
