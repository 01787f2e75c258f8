import { networkOf, wideNetworkOf } from '@countersign/verify'
import { rateLimit } from '../bound/rate-limit.js'

/** Shares that a /48 or a /24 has of those of its networks. */
const networksInOne = 10

/** Counts the page requests of each network: a flood of them must not take from the agents what the pages cost. */
export interface PageLimit {
  /** @throws AAuthError `rate_limited` when this network asks for more than its share */
  take(peer: string | undefined): void
}

/** An empty memory; `perMinute` is the share of one network. */
export function createPageLimit(perMinute: number, now: () => number): PageLimit {
  const description = 'Too many pages were asked for from your network. Wait a minute.'
  const limit = rateLimit({ most: perMinute, seconds: 60, now, description })
  // One customer has a /48 or a /24: without a share of these, each of their networks would have one of its own.
  const wide = rateLimit({ most: perMinute * networksInOne, seconds: 60, now, description })
  return {
    take(peer) {
      if (peer === undefined) return
      limit.take(networkOf(peer))
      wide.take(wideNetworkOf(peer))
    },
  }
}
