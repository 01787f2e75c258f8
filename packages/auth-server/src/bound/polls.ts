import { boundedMap } from '@countersign/protocol/internal'

/** Seconds between two polls of a device; each poll that comes sooner adds as many. @see RFC 8628 §3.5 */
export const pollInterval = 5
const most = 10_000

/** How often devices poll. In memory only: a lost note costs work, not safety. */
export interface Polls {
  /** Notes a poll and tells whether it came too soon. */
  note(deviceCodeHash: string): 'in time' | 'too soon'
}

/** An empty memory. */
export function createPolls(now: () => number): Polls {
  const polls = boundedMap<string, { readonly last: number; readonly interval: number }>(most)
  return {
    note(hash) {
      const before = polls.get(hash)
      // Also when the clock went back.
      const isSoon = before !== undefined && Math.abs(now() - before.last) < before.interval
      const interval = (before?.interval ?? pollInterval) + (isSoon ? pollInterval : 0)
      polls.set(hash, { last: now(), interval })
      return isSoon ? 'too soon' : 'in time'
    },
  }
}
