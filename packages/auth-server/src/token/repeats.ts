import { sharedMap } from '@countersign/protocol/internal'
import type { Repeats, TokenAnswer } from './token-context.js'

/** Seconds from first use in which the same caller gets the same answer again. @see protocol §6.2 */
export const repeatFor = 60
/** Beyond that, the oldest are forgotten: their callers get `invalid_grant`, as after a restart. */
const mostBytes = 32 * 1024 * 1024
/** Bytes reserved for an answer, whose token is at most 6 KiB. */
const largest = 8192

/** An empty memory. */
export function createRepeats(now: () => number): Repeats {
  // bound: 4096 answers of 60 seconds; bytes: 32 MiB; grown by a stranger; shared: each is of a code that a user
  // allowed; filled by bounded-collections-fills.test.ts "answers to codes"
  const held = sharedMap<string, { readonly answer: Promise<TokenAnswer>; readonly at: number }>({
    maxBytes: mostBytes,
  })
  // `abs`, for a clock that was set back.
  const isHeld = ({ at }: { readonly at: number }): boolean => Math.abs(now() - at) < repeatFor

  return {
    async answer(key, first) {
      held.deleteWhile(entry => !isHeld(entry))
      const known = held.get(key)
      if (known !== undefined && isHeld(known)) return { answer: await known.answer, kind: 'repeat' }
      const entry = { answer: first(), at: now() }
      held.set(key, entry, { bytes: largest })
      try {
        return { answer: await entry.answer, kind: 'first' }
      } catch (error) {
        if (held.get(key) === entry) held.delete(key)
        throw error
      }
    },
  }
}
