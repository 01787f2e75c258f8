import { AAuthError, boundedMap } from '@countersign/protocol'
import { networkOf } from '@countersign/verify'

/** Seconds that requests are counted for. */
const window = 60
const mostKept = 10_000

/** Counts the page requests of each network: a flood of them must not take from the agents what the pages cost. */
export interface PageLimit {
  /** @throws AAuthError `rate_limited` when this network asks for more than its share */
  take(peer: string | undefined): void
}

/** An empty memory; `perMinute` is the share of one network. */
export function createPageLimit(perMinute: number, now: () => number): PageLimit {
  const kept = boundedMap<string, { readonly count: number; readonly began: number }>(mostKept)
  let swept = now()
  // Also when the clock went back.
  const isOver = ({ began }: { readonly began: number }): boolean => Math.abs(now() - began) >= window
  return {
    take(peer) {
      if (peer === undefined) return
      if (isOver({ began: swept })) {
        swept = now()
        kept.deleteWhere(isOver)
      }
      const network = networkOf(peer)
      const known = kept.get(network)
      const { count, began } = known === undefined || isOver(known) ? { count: 0, began: now() } : known
      kept.set(network, { count: count + 1, began })
      if (count < perMinute) return
      throw new AAuthError('rate_limited', 'Too many pages were asked for from your network. Wait a minute.', {
        retryAfter: Math.max(1, Math.ceil(began + window - now())),
      })
    },
  }
}
