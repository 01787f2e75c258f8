import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds that a page waits for metadata of agent and resource. */
const patience = 1500

/** A stranger's host that hangs must not hold the page. A late answer is cached for the next page. */
export async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  const done = new AbortController()
  const late = sleep(patience, undefined, { signal: done.signal, ref: false }).catch(() => undefined)
  try {
    return await Promise.race([work.catch(() => undefined), late])
  } finally {
    done.abort()
  }
}
