import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Rate } from './rate.js'

/** What counting one more request found. */
export interface Count {
  readonly within: boolean
  /** Seconds until the window ends and counting starts anew. */
  readonly seconds: number
}

/** Counts requests per key in windows: the port behind every limit. */
export interface Counter {
  /** Counts one more for `key`. A key is always counted at the same rate. */
  take(key: string, rate: Rate): Promise<Count>
}

/**
 * Counts in the memory of this process.
 * When `capacity` keys are alive, the one whose window began first is forgotten: strangers cannot grow it, only blur it.
 * @param options.capacity keys remembered; default 100 000
 */
export function memoryCounter(options: { readonly capacity?: number } = {}): Counter {
  const { capacity = 100_000 } = options
  if (!(capacity >= 1)) throw new RangeError('capacity must be at least 1')
  // Rates differ per call, so the limiter only counts; points and duration are overridden or unused.
  const limiter = new RateLimiterMemory({ keyPrefix: '', points: 1, duration: 1 })
  const begun = new Set<string>()
  return {
    async take(key, rate) {
      const result = await limiter.penalty(key, 1, { customDuration: rate.seconds })
      if (result.isFirstInDuration) {
        begun.delete(key)
        begun.add(key)
        if (begun.size > capacity) await forgetOldest(limiter, begun)
      }
      return { within: result.consumedPoints <= rate.count, seconds: Math.max(result.msBeforeNext, 0) / 1000 }
    },
  }
}

async function forgetOldest(limiter: RateLimiterMemory, begun: Set<string>): Promise<void> {
  const oldest = begun.values().next()
  if (oldest.done) return
  begun.delete(oldest.value)
  await limiter.delete(oldest.value)
}
