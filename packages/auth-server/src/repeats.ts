import type { TokenAnswer } from './token-answer.js'

/** Seconds from first use in which the same caller gets the same answer again. @see protocol §6.2 */
export const repeatFor = 60
/** Beyond, the oldest are forgotten: their callers are told `invalid_grant`, as they would after a restart. */
const most = 10_000

/** Answers to codes, kept in memory only: they hold tokens. */
export interface Repeats {
  /** The answer under `key`; `first` makes it when there is none, and what it throws is not kept. */
  answer(key: string, first: () => Promise<TokenAnswer>): Promise<{ answer: TokenAnswer; kind: 'first' | 'repeat' }>
}

/** An empty memory. */
export function createRepeats(now: () => number): Repeats {
  const held = new Map<string, { readonly answer: Promise<TokenAnswer>; readonly at: number }>()
  // Also when the clock went back.
  const isHeld = ({ at }: { readonly at: number }): boolean => Math.abs(now() - at) < repeatFor

  function forget(): void {
    for (const [key, entry] of held) {
      if (isHeld(entry) && held.size <= most) return
      held.delete(key)
    }
  }

  return {
    async answer(key, first) {
      forget()
      const known = held.get(key)
      if (known !== undefined && isHeld(known)) return { answer: await known.answer, kind: 'repeat' }
      const entry = { answer: first(), at: now() }
      held.set(key, entry)
      try {
        return { answer: await entry.answer, kind: 'first' }
      } catch (error) {
        if (held.get(key) === entry) held.delete(key)
        throw error
      }
    },
  }
}
