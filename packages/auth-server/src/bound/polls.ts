import { boundedMap } from '@countersign/protocol'

/** Seconds between two polls of a device, and by how much they grow when it does not keep to that. @see RFC 8628 §3.5 */
export const pollInterval = 5
const most = 10_000

/** How often devices ask. In memory only: a courtesy to us, no one's safety. */
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
