/**
 * Runs at most one task per key at a time; other calls with the same key await the same result.
 * `abandoned` tells the task that every call has left by its signal. The task may go on or end.
 */
export type SingleFlight = <T>(
  key: string,
  task: (abandoned: AbortSignal) => Promise<T>,
  joining?: JoinOptions,
) => Promise<T>

/** Options of one call. */
export interface JoinOptions {
  /** Called when the task of another call is awaited. */
  readonly joined?: () => void
  /** Ends the waiting of this call. */
  readonly signal?: AbortSignal | undefined
}

interface Flight {
  readonly result: Promise<unknown>
  readonly abandon: AbortController
  waiting: number
}

export function singleFlight(): SingleFlight {
  // bound: tasks under way; grown by the program
  const flights = new Map<string, Flight>()
  const startFlight = (key: string, task: (abandoned: AbortSignal) => Promise<unknown>): Flight => {
    const abandon = new AbortController()
    const ended = (): void => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    const flight: Flight = { result: task(abandon.signal).finally(ended), abandon, waiting: 0 }
    // An abandoned task may end early, so no later call joins it.
    abandon.signal.addEventListener('abort', ended)
    flights.set(key, flight)
    return flight
  }
  return <T>(
    key: string,
    task: (abandoned: AbortSignal) => Promise<T>,
    { joined, signal }: JoinOptions = {},
  ): Promise<T> => {
    const running = flights.get(key)
    if (running !== undefined) joined?.()
    const flight = running ?? startFlight(key, task)
    joinFlight(flight, signal)
    // A key names one task, so the result type is the same for all calls.
    return flight.result as Promise<T>
  }
}

function joinFlight(flight: Flight, signal: AbortSignal | undefined): void {
  flight.waiting += 1
  if (signal === undefined) return
  const leave = (): void => {
    flight.waiting -= 1
    if (flight.waiting === 0) flight.abandon.abort()
  }
  signal.addEventListener('abort', leave, { once: true })
  const stay = (): void => signal.removeEventListener('abort', leave)
  flight.result.then(stay, stay)
}

/** Awaits a shared task until `signal` aborts, which must not end the task for the other calls. */
export function untilAborted<T>(task: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return task
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    task.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Runs a task of a call until its signal aborts. Throws at once, without a promise, where it has aborted. */
export function unlessAborted<T>(
  { signal }: { readonly signal?: AbortSignal | undefined },
  task: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  return untilAborted(task(), signal)
}
