import { inTime } from '@countersign/httpsig/internal'

/** Seconds that a page waits for what a stranger's host answers, unless it says otherwise. */
const patience = 1.5

/** A stranger's host that hangs must not hold the page: undefined when it fails or is late. A late answer is cached for the next page. */
export async function valueInTime<T>(work: Promise<T>, seconds: number = patience): Promise<T | undefined> {
  try {
    return await inTime({ seconds, late: () => new Error('no answer in time') }, work)
  } catch {
    return undefined
  }
}
