import type { ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { refusal, type SharedMap, sharedMap } from '@countersign/protocol/internal'
import { isPrivatePeer, networkOf, wideNetworkOf } from '@countersign/verify/internal'
import type { Rate } from '../limit/rate.js'

/** Counts, per network, of requests that did not verify. */
export interface Failures {
  /** Networks that are remembered. */
  readonly size: number
  /**
   * Counts a signed request before it is verified, so that a burst costs no more verifications than the limit allows.
   * @returns takes the count back, for a request that verified
   * @throws AAuthError `rate_limited` when too many of its network have failed
   */
  enter(message: ReceivedMessage, peer: string | undefined): () => void
  /** Counts a request that verified and was seen before. */
  note(peer: string | undefined): void
}

interface Window {
  failed: number
  readonly ends: number
}

/** Networks remembered, and as many wide ones. When full, those of a wide network with over a tenth are forgotten first. */
const capacity = 10_000

/** Bytes of a remembered network. */
const windowBytes = 200

/** A /48 or a /24 has the share of this many networks. */
const networksInOne = 10

const signatureHeaders: ReadonlySet<string> = new Set(['signature', 'signature-input', 'signature-key'])

const nothing = (): void => undefined

/**
 * Charges the sender's network for requests that fail verification: a wrong signature identifies no agent, and a replay must not
 * be charged to the agent that it was captured from.
 * @param o.privatePeers whether callers at private addresses count; one may be a proxy, with everyone behind it
 */
export function createFailures(rate: Rate, o: { readonly privatePeers: boolean }): Failures {
  const networks = windowsOf()
  const wideNetworks = windowsOf()

  function windowIn(windows: SharedMap<string, Window>, name: string, share?: string): Window {
    const now = performance.now()
    windows.deleteWhile(({ ends }) => ends <= now)
    const known = windows.get(name)
    if (known !== undefined && known.ends > now) return known
    const begun = { failed: 0, ends: now + rate.seconds * 1000 }
    windows.set(name, begun, { bytes: windowBytes, share })
    return begun
  }

  /** What a peer counts in, with the most of each: one customer has a /48 or a /24, of networks with a count each. */
  function countsOf(peer: string): ReadonlyArray<{ readonly window: Window; readonly most: number }> {
    const wide = wideNetworkOf(peer)
    return [
      { window: windowIn(wideNetworks, wide), most: rate.count * networksInOne },
      { window: windowIn(networks, networkOf(peer), wide), most: rate.count },
    ]
  }

  const counted = (peer: string | undefined): peer is string =>
    peer !== undefined && (o.privatePeers || !isPrivatePeer(peer))

  return {
    get size() {
      return networks.size
    },
    enter({ headers }, peer) {
      if (!counted(peer) || !headers.some(([name]) => signatureHeaders.has(name.toLowerCase()))) return nothing
      const counts = countsOf(peer)
      const over = counts.find(({ window, most }) => window.failed >= most)
      if (over !== undefined)
        throw refusal('failures_exceeded', { retryAfter: Math.max(1, (over.window.ends - performance.now()) / 1000) })
      for (const { window } of counts) window.failed += 1
      return () => {
        for (const { window } of counts) window.failed -= 1
      }
    },
    note(peer) {
      if (counted(peer)) for (const { window } of countsOf(peer)) window.failed += 1
    },
  }
}

function windowsOf(): SharedMap<string, Window> {
  // bound: 10 000 networks, and 10 000 wide ones; bytes: 20 000 × 200; grown by a stranger; shared: each network has
  // one; those of a /48 or /24 that has over a tenth give way first; filled by replay-limits.test.ts "no more than
  // 10 000 networks"
  const windows = sharedMap<string, Window>({ maxBytes: capacity * windowBytes, maxEntries: capacity })
  return windows
}

/** Whether a request was refused because it had been seen. */
export function isReplay(error: unknown): boolean {
  return error instanceof AAuthError && error.code === 'replay_detected'
}

/** Where nothing is counted. */
export const noFailures: Failures = { size: 0, enter: () => nothing, note: nothing }
