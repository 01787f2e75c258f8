import { signalledInTime } from '@countersign/httpsig/internal'

const late = (): DOMException => new DOMException('the fetch took too long', 'TimeoutError')

/**
 * Settles as the work does, or rejects when `seconds` have passed or `outer` aborts, even if the work never settles.
 * The signal of the work aborts in the end in every case, so that no connection of it stays open.
 */
export async function withinDeadline<T>(
  { seconds, outer }: { readonly seconds: number; readonly outer?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController()
  try {
    return await signalledInTime({ seconds, outer, late }, signal => work(AbortSignal.any([signal, end.signal])))
  } finally {
    // With a reason, which nothing reads: the default one, a DOMException, is expensive to make.
    end.abort('the work has ended')
  }
}
