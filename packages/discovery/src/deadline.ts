/**
 * Settles as the work does, or rejects when `seconds` have passed or `outer` aborts, even if the work never settles.
 * The signal of the work aborts in the end in every case, so that no connection of it stays open.
 */
export async function withinDeadline<T>(
  options: { readonly seconds: number; readonly outer?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { seconds, outer } = options
  const deadline = new AbortController()
  const giveUp = () => deadline.abort(outer?.reason)
  const timer = setTimeout(
    () => deadline.abort(new DOMException('the fetch took too long', 'TimeoutError')),
    seconds * 1000,
  )
  outer?.addEventListener('abort', giveUp, { once: true })
  try {
    outer?.throwIfAborted()
    return await rejectOnAbort(deadline.signal, work(deadline.signal))
  } finally {
    clearTimeout(timer)
    outer?.removeEventListener('abort', giveUp)
    // With a reason, which nothing reads: the default one, a DOMException, is expensive to make.
    deadline.abort('the work has ended')
  }
}

function rejectOnAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}
