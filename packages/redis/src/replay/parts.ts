import type { ReplayRoom } from '@countersign/httpsig/internal'
import { keyPrefix, type ScriptRun } from '../servers/shared-script.js'

/** Makes a run on one part of a replay set. */
export type ReplayPart = (...entry: readonly string[]) => ScriptRun

/** A replay set, divided. */
export interface ReplayParts {
  readonly all: readonly ReplayPart[]
  /** The part of a request, by its hash in base64url. */
  partOf(request: string): ReplayPart
}

/** Parts of a set in a cluster, which are in different slots. */
const clusterParts = 16
/** The fewest entries of a principal in a part: requests go to parts by chance, and a small share would be used up in one of them first. */
const leastShare = 1000

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * Divides a replay set. On one server it has one part. In a cluster each request belongs to one of 16 parts by its hash, and so do its
 * replays; each part has a sixteenth of the room. A small set has one part there, too.
 */
export function replayParts(
  { window, capacity, siteShare, share }: ReplayRoom & { readonly window: number },
  {
    isCluster,
    prefix,
    names,
    clock,
  }: { readonly isCluster: boolean; readonly prefix: string; readonly names: string; readonly clock: () => number },
): ReplayParts {
  const count = isCluster && share >= clusterParts * leastShare ? clusterParts : 1
  const room = [capacity, siteShare, share].map(all => Math.ceil(all / count))
  const part = (begin: string): ReplayPart => {
    const keys = ['since', 'requests:', 'counts:'].map(name => `${begin}:${names}${name}`)
    return (...entry) => ({ keys, args: [clock(), window, ...room].map(String).concat(entry) })
  }
  const first = part(keyPrefix(prefix, count === 1 ? undefined : '0'))
  const others = Array.from({ length: count - 1 }, (_, index) => part(keyPrefix(prefix, String(index + 1))))
  const all = [first, ...others]
  return { all, partOf: request => all[base64url.indexOf(request.charAt(0)) % count] ?? first }
}
