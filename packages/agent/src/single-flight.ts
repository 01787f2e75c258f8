/**
 * Runs at most one task per key at a time: whoever asks for the same key meanwhile awaits the same result, and
 * `joined` tells them so.
 */
export type SingleFlight = <T>(key: string, task: () => Promise<T>, joined?: () => void) => Promise<T>

export function singleFlight(): SingleFlight {
  const flights = new Map<string, Promise<unknown>>()
  return <T>(key: string, task: () => Promise<T>, joined?: () => void): Promise<T> => {
    const running = flights.get(key)
    if (running !== undefined) {
      joined?.()
      // A key names one task, so that its result type is the same for all who ask.
      return running as Promise<T>
    }
    const flight = task().finally(() => flights.delete(key))
    flights.set(key, flight)
    return flight
  }
}

/** Awaits a shared task, but no longer than `signal` allows: one impatient caller must not end it for the others. */
export function untilAborted<T>(task: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return task
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    task.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
