/** How long something may take, in seconds, and the error when it takes longer. */
export interface Deadline {
  readonly seconds: number
  readonly late: () => unknown
}

/** Settles as `work` does, or rejects with `late()` once `seconds` have passed. The work itself is not ended. */
export function inTime<T>({ seconds, late }: Deadline, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), seconds * 1000)
    const settle =
      <V>(end: (value: V) => void) =>
      (value: V): void => {
        clearTimeout(timer)
        end(value)
      }
    work.then(settle(resolve), settle(reject))
  })
}

/**
 * Like {@link inTime}, for work that a signal ends: it aborts at the deadline and when `outer` does. Rejects at that moment even if
 * the work does not heed it. Once the work has settled, only `outer` aborts the signal.
 */
export async function signalledInTime<T>(
  { outer, seconds, late }: Deadline & { readonly outer?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted()
  const deadline = new AbortController()
  const signal = outer === undefined ? deadline.signal : AbortSignal.any([outer, deadline.signal])
  const timer = setTimeout(() => deadline.abort(late()), seconds * 1000)
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      work(signal).then(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
  }
}
