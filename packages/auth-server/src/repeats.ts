import { sharedMap } from '@countersign/protocol'
import type { TokenAnswer } from './token-answer.js'

/** Seconds from first use in which the same caller gets the same answer again. @see protocol §6.2 */
export const repeatFor = 60
/** Beyond, the oldest are forgotten: their callers are told `invalid_grant`, as they would after a restart. */
const mostBytes = 32 * 1024 * 1024
/** An answer holds a token of up to 6 KiB; its size is not known before it is made. */
const largest = 8192

/** Answers to codes, kept in memory only: they hold tokens. */
export interface Repeats {
  /** The answer under `key`; `first` makes it when there is none, and what it throws is not kept. */
  answer(key: string, first: () => Promise<TokenAnswer>): Promise<{ answer: TokenAnswer; kind: 'first' | 'repeat' }>
}

/** An empty memory. */
export function createRepeats(now: () => number): Repeats {
  const held = sharedMap<string, { readonly answer: Promise<TokenAnswer>; readonly at: number }>({
    maxBytes: mostBytes,
  })
  // Also when the clock went back.
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
