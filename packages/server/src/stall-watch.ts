import type { ServerResponse } from 'node:http'

/** Watches whether a peer still reads. */
export interface StallWatch {
  /** Begins to wait for the peer to read. */
  waits(): void
  goesOn(): void
  end(): void
}

/**
 * Cuts a peer that reads nothing for too long. One timer for all waits: a long body waits at nearly every chunk.
 * @param seconds of one wait
 */
export function stallWatch(to: ServerResponse, seconds: number): StallWatch {
  let isWaiting = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let judged: ReturnType<typeof setImmediate> | undefined
  const judge = (): void => {
    // Timers run before pending reads: after a pause of this process the peer may have read in the meantime.
    judged = setImmediate(() => {
      if (isWaiting) to.destroy()
    })
  }
  return {
    waits() {
      isWaiting = true
      if (timer === undefined) timer = setTimeout(judge, seconds * 1000)
      else timer.refresh()
    },
    goesOn() {
      isWaiting = false
      clearImmediate(judged)
    },
    end() {
      isWaiting = false
      clearTimeout(timer)
      clearImmediate(judged)
    },
  }
}
