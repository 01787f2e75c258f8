/** Longest delay of a timer, seconds. */
const longest = 2 ** 31 / 1000 - 1

/** The options of {@link watchedBody}. */
export interface Watched {
  /** Seconds after which the body ends, as if it were complete. */
  readonly seconds: number
  /** Called once when the body ends, is cancelled or fails. */
  ended(): void
  /** Bytes to send before the body. */
  readonly first?: Uint8Array | undefined
  /** Called with each chunk that passes. */
  passing?(chunk: Uint8Array): void
}

/** Whether a response is a stream of server-sent events; case does not matter in media types. */
export function isEventStream({ headers }: Response): boolean {
  return /^text\/event-stream[ \t]*(?:;|$)/i.test(headers.get('content-type') ?? '')
}

/** The same body, ended at the latest after the given seconds. */
export function watchedBody(
  body: ReadableStream<Uint8Array>,
  { seconds, ended, first, passing }: Watched,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let timer: ReturnType<typeof setTimeout> | undefined
  const finish = (): void => {
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    ended()
  }
  return new ReadableStream({
    start(controller) {
      if (first !== undefined) controller.enqueue(first)
      timer = setTimeout(
        () => {
          if (timer === undefined) return
          finish()
          controller.close()
          reader.cancel().catch(() => {})
        },
        Math.min(Math.max(seconds, 0), longest) * 1000,
      )
    },
    async pull(controller) {
      const next = await reader.read().catch((error: unknown) => {
        finish()
        throw error
      })
      if (timer === undefined) return
      if (!next.done) {
        passing?.(next.value)
        return controller.enqueue(next.value)
      }
      finish()
      controller.close()
    },
    async cancel(reason) {
      finish()
      await reader.cancel(reason)
    },
  })
}
