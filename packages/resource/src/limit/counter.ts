import { textHash } from '@countersign/httpsig/internal'
import { checkOptions } from '@countersign/protocol/internal'
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import type { CallWindow, CountedCall } from './call-windows.js'
import { memoryCalls } from './memory-calls.js'
import type { Rate } from './rate.js'

/** What counting one more request found. */
export interface Count {
  readonly within: boolean
  /** Requests that are still within the rate in this window. */
  readonly remaining: number
  /** Seconds until the window ends and counting starts anew. */
  readonly seconds: number
}

/** Counts requests per key in windows: the port behind every limit. */
export interface Counter {
  /** Counts one more for `key`. A key is always counted at the same rate. */
  take(key: string, rate: Rate): Promise<Count>
  /**
   * Takes back one count of the window that runs, for a request that was refused as a replay: it must cost nothing to the caller whom
   * it was captured from. Default: it stays counted.
   */
  giveBack?(key: string, rate: Rate): Promise<void>
  /**
   * Counts a call under a policy in all of its windows, or in none where one is used up: compared and counted in one step, once for all
   * instances. Rejects where it cannot count: such a call must not pass. Default: requests with `calls` conditions are refused.
   * @returns the windows that are used up; none when the call was counted
   */
  takeCall?(call: CountedCall): Promise<readonly CallWindow[]>
  /** Counts outlive this process: only then calls `per: grant` are counted, which are never to begin anew. Default false. */
  readonly isLasting?: boolean
}

/** A counter that tells how many keys it holds. */
export interface MemoryCounter extends Counter {
  giveBack(key: string, rate: Rate): Promise<void>
  takeCall(call: CountedCall): Promise<readonly CallWindow[]>
  /** Keys of limits. */
  readonly size: number
  /** Windows of calls under policies. */
  readonly callWindows: number
}

/**
 * Counts in the memory of this process.
 * When it holds `capacity` keys, the one whose window began first is forgotten: strangers can make it less exact, but not larger.
 * A key (an address, a pseudonym, a delegate) is forgotten with the first request after its window has ended.
 * Windows of calls under policies are never forgotten: when there is no room for one more, its calls are refused with 503.
 * @param options.capacity keys remembered; default 100 000
 * @param options.callCapacity windows of calls under policies, 32 bytes each; default 1 000 000
 */
export function memoryCounter(
  options: { readonly capacity?: number; readonly callCapacity?: number } = {},
): MemoryCounter {
  checkOptions('memoryCounter', options, { capacity: 'number', callCapacity: 'number' })
  const { capacity = 100_000, callCapacity = 1_000_000 } = options
  if (!(capacity >= 1 && callCapacity >= 1)) throw new RangeError('capacity and callCapacity must be at least 1')
  const calls = memoryCalls(callCapacity)
  // Rates differ per call, so the limiter only counts; points and duration are overridden or unused.
  const limiter = new RateLimiterMemory({ keyPrefix: '', points: 1, duration: 1 })
  // bound: capacity, 100 000 keys; bytes: 100 000 × 800; grown by a stranger; shared: networks are counted before fresh
  // keys, sites and agents before fresh delegates; the one whose window began first is forgotten; filled by
  // bounded-collections-fills.test.ts "keys of limits"
  const begun = new Map<string, number>()
  let swept = 0
  const forgetEnded = (at: number): void => {
    if (at < swept + 1000) return
    swept = at
    for (const [key, ends] of begun) if (ends <= at) begun.delete(key)
  }
  return {
    get size() {
      return begun.size
    },
    get callWindows() {
      return calls.size
    },
    takeCall: call => calls.take(call),
    async take(name, rate) {
      const key = await short(name)
      const result = await limiter.penalty(key, 1, { customDuration: rate.seconds })
      const at = performance.now()
      forgetEnded(at)
      if (result.isFirstInDuration) {
        begun.delete(key)
        begun.set(key, at + result.msBeforeNext)
        if (begun.size > capacity) await forgetOldest(limiter, begun)
      }
      const { consumedPoints, msBeforeNext } = result
      return {
        within: consumedPoints <= rate.count,
        remaining: Math.max(rate.count - consumedPoints, 0),
        seconds: Math.max(msBeforeNext, 0) / 1000,
      }
    },
    async giveBack(name) {
      const key = await short(name)
      // Of a window that has ended nothing is left; the next would begin below zero.
      if ((begun.get(key) ?? 0) > performance.now()) await limiter.reward(key, 1)
    },
  }
}

/** Names in keys are as long as strangers like. Long ones are kept as their hash, so that a key takes some 800 bytes at most. */
async function short(key: string): Promise<string> {
  return key.length > 128 ? textHash(key) : key
}

async function forgetOldest(limiter: RateLimiterMemory, begun: Map<string, number>): Promise<void> {
  const oldest = begun.keys().next()
  if (oldest.done) return
  begun.delete(oldest.value)
  await limiter.delete(oldest.value)
}
