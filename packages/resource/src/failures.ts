import type { ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { isPrivatePeer, networkOf } from '@countersign/verify'
import type { Rate } from './rate.js'

/** What is counted per network because it did not verify. */
export interface Failures {
  /** Networks that are remembered. */
  readonly size: number
  /**
   * Counts a signed request before it is verified, so that of many at once no more than the limit cost a verification.
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

/** Networks remembered, of some 200 bytes each. To push one out takes as many others that fail. */
const capacity = 10_000

const signatureHeaders: ReadonlySet<string> = new Set(['signature', 'signature-input', 'signature-key'])

const nothing = (): void => undefined

/**
 * Lets the network pay for what fails verification: nobody else can be charged for a signature that does not hold, and a replay must
 * not be charged to the agent that it was captured from.
 * @param o.privatePeers whether callers at private addresses count; one may be a proxy, with everyone behind it
 */
export function createFailures(rate: Rate, o: { readonly privatePeers: boolean }): Failures {
  // Windows are of one length: those that began first end first, and stand first.
  const windows = new Map<string, Window>()

  function windowOf(network: string): Window {
    const now = performance.now()
    for (const [name, { ends }] of windows) {
      if (ends > now && windows.size <= capacity) break
      windows.delete(name)
    }
    const known = windows.get(network)
    if (known !== undefined && known.ends > now) return known
    const begun = { failed: 0, ends: now + rate.seconds * 1000 }
    windows.set(network, begun)
    return begun
  }

  const counted = (peer: string | undefined): peer is string =>
    peer !== undefined && (o.privatePeers || !isPrivatePeer(peer))

  return {
    get size() {
      return windows.size
    },
    enter({ headers }, peer) {
      if (!counted(peer) || !headers.some(([name]) => signatureHeaders.has(name.toLowerCase()))) return nothing
      const window = windowOf(networkOf(peer))
      if (window.failed >= rate.count)
        throw new AAuthError('rate_limited', 'too many requests of this network did not verify', {
          retryAfter: Math.max(1, (window.ends - performance.now()) / 1000),
        })
      window.failed += 1
      return () => {
        window.failed -= 1
      }
    },
    note(peer) {
      if (counted(peer)) windowOf(networkOf(peer)).failed += 1
    },
  }
}

/** Whether a request was refused because it had been seen. */
export function isReplay(error: unknown): boolean {
  return error instanceof AAuthError && error.code === 'replay_detected'
}

/** Where nothing is counted. */
export const noFailures: Failures = { size: 0, enter: () => nothing, note: nothing }
