import { away } from './refusal.js'

/**
 * Ends the waiting for what others must answer, by a deadline and by `given`: whoever is slow downstream must not hold callers
 * back without an end (F-52).
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
