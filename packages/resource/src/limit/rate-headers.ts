import type { HeaderFields } from '@countersign/protocol'
import type { Count } from './counter.js'
import type { Bucket } from './limits.js'

/** A count a request was charged to, and what it found. */
export interface Charge {
  readonly bucket: Bucket
  readonly count: Count
}

/**
 * `RateLimit` and `RateLimit-Policy` of a response: one item for each limit that the request was counted against.
 * Names are those of {@link Limits}, never a caller's: they do not tell who else is counted.
 * @see draft-ietf-httpapi-ratelimit-headers-11
 */
export function setRateHeaders(headers: HeaderFields, charges: Iterable<Charge>): void {
  const all = [...charges]
  // Without limits no header is set, and those of a handler's own limits stand.
  if (all.length === 0) return
  const left = all.map(({ bucket, count }) => `"${bucket.name}";r=${count.remaining};t=${Math.ceil(count.seconds)}`)
  const policies = all.map(({ bucket }) => `"${bucket.name}";q=${bucket.rate.count};w=${bucket.rate.seconds}`)
  headers.set('ratelimit', left.join(', '))
  headers.set('ratelimit-policy', policies.join(', '))
}
