import { networkOf, wideNetworkOf } from '@countersign/verify/internal'
import { rateLimit } from '../bound/rate-limit.js'

/** The limit of a /48 or /24, in limits of one network. */
const networksInOne = 10

/** Counts the page requests of each network: a flood of them must not slow agents down. */
export interface PageLimit {
  /** @throws AAuthError `rate_limited` when this network asks for too many */
  take(peer: string | undefined): void
}

/** @param perMinute the limit of one network */
export function createPageLimit(perMinute: number, now: () => number): PageLimit {
  const description = 'Too many pages were requested from your network. Wait a minute.'
  const limit = rateLimit({ most: perMinute, seconds: 60, now, description })
  // One customer may have a /48 or /24: without this limit, each network in it would have one of its own.
  const wide = rateLimit({ most: perMinute * networksInOne, seconds: 60, now, description })
  return {
    take(peer) {
      if (peer === undefined) return
      limit.take(networkOf(peer))
      wide.take(wideNetworkOf(peer))
    },
  }
}
