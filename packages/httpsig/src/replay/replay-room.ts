import { hasShare } from './room-share.js'

/** How many entries a partition of a replay set holds, and how many of them one site or one principal may take. */
export interface ReplayRoom {
  readonly capacity: number
  readonly siteShare: number
  readonly share: number
}

/** How large and how long-lived a replay set is. */
export interface ReplayRoomOptions {
  /** How long an entry is kept at least, seconds: twice the tolerance of `created`; default 120. */
  readonly window?: number
  /** Requests a second, of each partition, that there is room for; default 5000. */
  readonly rate?: number
  /** Entries per partition. Default: what `rate` needs: 755 556 where nothing is set, of 100 bytes at most each. */
  readonly capacity?: number
  /**
   * Entries that one site, or one network of callers without a name, may take of a partition. Default: a tenth of `capacity`, or
   * `share` where that is more.
   */
  readonly siteShare?: number
  /** Entries that one principal may take of a partition; default half of what a site may. */
  readonly share?: number
}

/** Parts of a window in which entries are forgotten together. */
export const slicesPerWindow = 8

/** A signer's clock counts whole seconds, so a request can stay valid almost a second beyond the window. */
export const margin = 1

/**
 * The room of a replay set by its options.
 * @throws RangeError for a number that is not positive, TypeError for anything else that is wrong
 */
export function replayRoomOf(options: ReplayRoomOptions): ReplayRoom & { readonly window: number } {
  const { window = 120, rate = 5000 } = options
  // An entry lives until the slice in which it came has left the window; and the last tenth of the room is not for everyone.
  const { capacity = Math.ceil((rate * (window * (1 + 1 / slicesPerWindow) + margin)) / 0.9) } = options
  const { siteShare = Math.max(1, Math.floor(capacity / 10), options.share ?? 0) } = options
  const { share = Math.max(1, Math.floor(siteShare / 2)) } = options
  for (const number of [window, rate, capacity, siteShare, share])
    if (!(number > 0)) throw new RangeError('window, rate, capacity, siteShare and share must be positive')
  return { window, capacity, siteShare, share }
}

/** What a partition holds: in all, of the site that asks, of the principal that asks. */
export interface ReplayCounts {
  readonly inPartition: number
  readonly ofSite: number
  readonly ofPrincipal: number
}

/** Whether there is room for one more: by the share of its principal, and by what is left to its site. */
export function hasRoom({ inPartition, ofSite, ofPrincipal }: ReplayCounts, room: ReplayRoom): boolean {
  const { capacity, siteShare, share } = room
  return ofPrincipal < share && hasShare({ inAll: inPartition, own: ofSite, capacity, share: siteShare })
}
