import { away } from './refusal.js'

/**
 * Ends a wait for other services at a deadline, and when `given` aborts: a slow downstream service must not hold callers up
 * without end (F-52).
 * @throws AAuthError `temporarily_unavailable` at the deadline
 */
export async function inTime<T>(
  seconds: number,
  given: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const signal = given === undefined ? late.signal : AbortSignal.any([given, late.signal])
  const timer = setTimeout(() => late.abort(away()), seconds * 1000)
  // Not all that a task waits for takes a signal.
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  try {
    return await Promise.race([task(signal), ended])
  } finally {
    clearTimeout(timer)
  }
}
