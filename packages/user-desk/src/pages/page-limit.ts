import { rateLimit } from '@countersign/auth-server/internal'
import { networkOf, wideNetworkOf } from '@countersign/verify/internal'

/** The limit of a /48 or /24, in limits of one network. */
const networksInOne = 10

/** Counts the page requests of each network: a flood of them must not slow agents down. */
export interface PageLimit {
  /**
   * @param userOf names a user who is known to be signed in: asked where the network has used up its share
   * @throws AAuthError `rate_limited` when this network asks for too many, and this user as well
   */
  take(peer: string | undefined, userOf?: () => string | undefined): void
}

/** @param perMinute the limit of one network, and beyond that of one user */
export function createPageLimit(perMinute: number, now: () => number): PageLimit {
  const limit = rateLimit({ most: perMinute, seconds: 60, now })
  // One customer may have a /48 or /24: without this limit, each network in it would have one of its own.
  const wide = rateLimit({ most: perMinute * networksInOne, seconds: 60, now })
  const users = rateLimit({ most: perMinute, seconds: 60, now })
  return {
    take(peer, userOf) {
      if (peer === undefined) return
      try {
        limit.take(networkOf(peer))
        wide.take(wideNetworkOf(peer))
      } catch (error) {
        // Lockout: strangers behind the same address must not keep users out who are signed in.
        const user = userOf?.()
        if (user === undefined) throw error
        users.take(user)
      }
    },
  }
}
