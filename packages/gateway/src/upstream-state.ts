import { AAuthError } from '@countersign/protocol'

/** A request to the API ended because its caller has gone. */
export class CallerGone extends Error {
  constructor() {
    super('the caller has closed the connection')
  }
}

/** Whether the API behind answers. */
export type UpstreamState = { readonly state: 'away'; readonly cause: unknown } | { readonly state: 'back' }

/** Reports changes of the state, once each. */
export interface StateWatch {
  /** Records whether a request to the API was answered, and settles as the request does. */
  watch<T>(answer: Promise<T>): Promise<T>
}

/** @param tell called at each change; an error that it throws is ignored */
export function stateWatch(tell: (state: UpstreamState) => void = () => {}): StateWatch {
  let isAway = false
  const back = { state: 'back' } as const
  const note = (state: UpstreamState): void => {
    if ((state.state === 'away') === isAway) return
    isAway = !isAway
    try {
      tell(state)
    } catch {
      // A listener's error must not fail a request.
    }
  }
  return {
    watch(answer) {
      answer.then(
        () => note(back),
        (error: unknown) => {
          // It was aborted: nothing is known of the API.
          if (error instanceof CallerGone) return
          note({ state: 'away', cause: error instanceof AAuthError ? (error.cause ?? error) : error })
        },
      )
      return answer
    },
  }
}
