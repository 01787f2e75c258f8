import { AAuthError } from '@countersign/protocol'

/** Whether the API behind answers. */
export type UpstreamState = { readonly state: 'away'; readonly cause: unknown } | { readonly state: 'back' }

/** Tells changes only, however many requests meet them. */
export interface StateWatch {
  /** Passes on what came of asking the API, and takes note of it. */
  watch<T>(answer: Promise<T>): Promise<T>
}

/** @param tell told at each change; what it throws decides nothing */
export function stateWatch(tell: (state: UpstreamState) => void = () => {}): StateWatch {
  let isAway = false
  const note = (state: UpstreamState): void => {
    if ((state.state === 'away') === isAway) return
    isAway = !isAway
    try {
      tell(state)
    } catch {
      // Telling is best effort.
    }
  }
  return {
    watch(answer) {
      answer.then(
        () => note({ state: 'back' }),
        (error: unknown) =>
          note({ state: 'away', cause: error instanceof AAuthError ? (error.cause ?? error) : error }),
      )
      return answer
    },
  }
}
