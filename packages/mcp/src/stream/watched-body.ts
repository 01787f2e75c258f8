/** Longest time that a timer can wait, seconds. */
const longest = 2 ** 31 / 1000 - 1

/** How a body is watched. */
export interface Watched {
  /** Seconds after which it ends, as if all had been sent. */
  readonly seconds: number
  /** Called once, however it ends. */
  ended(): void
  /** What comes before the rest. */
  readonly first?: Uint8Array
  /** Sees what passes. */
  passing?(chunk: Uint8Array): void
}

/** Whether a response is a stream of server-sent events; media types are the same in any case. */
export function isEventStream({ headers }: Response): boolean {
  return /^text\/event-stream[ \t]*(?:;|$)/i.test(headers.get('content-type') ?? '')
}

/** The same body, until it is over, its reader goes, or its time has come. */
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
