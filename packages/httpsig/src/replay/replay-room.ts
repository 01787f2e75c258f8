import { hasShare } from './room-share.js'

/** How many entries a partition of a replay set may have, and how many of them one site or one principal. */
export interface ReplayRoom {
  readonly capacity: number
  readonly siteShare: number
  readonly share: number
}

/** How large and how long-lived a replay set is. */
export interface ReplayRoomOptions {
  /** How long an entry is kept at least, in seconds: twice the tolerance of `created`; default 120. */
  readonly window?: number
  /** Requests per second and partition that there is room for; default 5000. */
  readonly rate?: number
  /** Entries per partition, of some 110 bytes each. Default: as many as `rate` needs, 755 556 with all defaults. */
  readonly capacity?: number
  /**
   * Entries per partition of one site, or of one network of unnamed callers. Default: a tenth of `capacity`, or `share` if that is
   * more.
   */
  readonly siteShare?: number
  /** Entries per partition of one principal; default half of `siteShare`. */
  readonly share?: number
}

/** Parts of a window in which entries are forgotten together. */
export const slicesPerWindow = 8

/** Seconds added to the window: `created` is in whole seconds, so a request can stay valid almost a second longer. */
export const margin = 1

/**
 * The room of a replay set by its options.
 * @throws RangeError for a number that is not positive, TypeError for anything else that is wrong
 */
// unchecked options options: what keeps the entries has checked them
export function replayRoomOf(options: ReplayRoomOptions): ReplayRoom & { readonly window: number } {
  const { window = 120, rate = 5000 } = options
  // An entry lives until its slice has left the window, and the last tenth of the room is reserved for callers that have few.
  const { capacity = Math.ceil((rate * (window * (1 + 1 / slicesPerWindow) + margin)) / 0.9) } = options
  const { siteShare = Math.max(1, Math.floor(capacity / 10), options.share ?? 0) } = options
  const { share = Math.max(1, Math.floor(siteShare / 2)) } = options
  for (const number of [window, rate, capacity, siteShare, share])
    if (!(number > 0)) throw new RangeError('window, rate, capacity, siteShare and share must be positive')
  return { window, capacity, siteShare, share }
}

/**
 * How long a token that is good for one request is remembered, in seconds. It is used within 6 minutes of its `iat`, give or take a
 * minute for clocks that differ; twice that, since `created` is compared with that of entries that were dropped.
 */
const tokenWindow = 840

/** The room for such tokens: a tenth of the requests per second. */
// unchecked options {}: what keeps the entries has checked them
export function tokenRoom({ rate = 5000 }: ReplayRoomOptions): Pick<ReplayRoomOptions, 'window' | 'rate'> {
  return { window: tokenWindow, rate: rate / 10 }
}

/** The entries of a partition: all, those of the caller's site, those of the caller. */
export interface ReplayCounts {
  readonly inPartition: number
  readonly ofSite: number
  readonly ofPrincipal: number
}

/** Whether there is room for one more entry, by the share of its principal and that of its site. */
export function hasRoom({ inPartition, ofSite, ofPrincipal }: ReplayCounts, room: ReplayRoom): boolean {
  const { capacity, siteShare, share } = room
  return ofPrincipal < share && hasShare({ inAll: inPartition, own: ofSite, capacity, share: siteShare })
}
