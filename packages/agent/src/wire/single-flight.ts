/**
 * Runs at most one task per key at a time: whoever asks for the same key meanwhile awaits the same result.
 * A task is told by `abandoned` when all who waited for it have left by their signals; it may go on or end.
 */
export type SingleFlight = <T>(
  key: string,
  task: (abandoned: AbortSignal) => Promise<T>,
  joining?: JoinOptions,
) => Promise<T>

/** One caller of a flight. */
export interface JoinOptions {
  /** Told when another call's task is awaited. */
  readonly joined?: () => void
  /** With it the caller leaves. */
  readonly signal?: AbortSignal | undefined
}

interface Flight {
  readonly result: Promise<unknown>
  readonly abandon: AbortController
  waiting: number
}

export function singleFlight(): SingleFlight {
  const flights = new Map<string, Flight>()
  const startFlight = (key: string, task: (abandoned: AbortSignal) => Promise<unknown>): Flight => {
    const abandon = new AbortController()
    const ended = (): void => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    const flight: Flight = { result: task(abandon.signal).finally(ended), abandon, waiting: 0 }
    // Nobody joins what is about to end for want of callers.
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
    // A key names one task, so that its result type is the same for all who ask.
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

/** Whatever a call waits for, its signal ends the waiting, and nothing of the call begins after that. */
export async function unlessAborted<T>(
  { signal }: { readonly signal?: AbortSignal },
  task: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  return untilAborted(task(), signal)
}
