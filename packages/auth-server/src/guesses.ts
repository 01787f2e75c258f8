import { AAuthError, boundedMap } from '@countersign/protocol'

/** Wrong user codes before a wait. @see protocol §6.3 */
const mostMisses = 5
/** Seconds, as long as a code lives. */
const wait = 600
const mostKept = 10_000

/** Wrong user codes, by who typed them. */
export interface Guesses {
  /** @throws AAuthError `rate_limited` when one of them has to wait */
  check(who: readonly string[]): void
  miss(who: readonly string[]): void
}

/** An empty memory. */
export function createGuesses(now: () => number): Guesses {
  const kept = boundedMap<string, { readonly misses: number; readonly last: number }>(mostKept)
  const missesOf = (key: string): number => kept.get(key)?.misses ?? 0
  return {
    check(who) {
      // Who typed what is nobody's business for longer than it stops them; nor does a clock that went back stop them for longer.
      kept.deleteWhere(({ last }) => Math.abs(now() - last) >= wait)
      if (who.every(key => missesOf(key) < mostMisses)) return
      throw new AAuthError('rate_limited', 'Too many wrong codes. Wait ten minutes.', { retryAfter: wait })
    },
    miss(who) {
      for (const key of who) {
        kept.set(key, { misses: missesOf(key) + 1, last: now() })
      }
    },
  }
}
