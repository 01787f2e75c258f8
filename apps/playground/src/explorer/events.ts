import type { Handler } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { LiveEvent } from './contract.js'
import type { Recorder } from './recorder.js'

/** Most pages that may be open at the same time. */
const mostListeners = 32
/** Most events that wait for a page that does not read; then it is cut, and its browser connects again. */
const mostWaiting = 2000
/** Milliseconds after which a page without events is told that the server is still there. */
const silence = 15_000

/** Tells a page what happens, as server-sent events. */
export function liveEvents(recorder: Recorder): Handler {
  let listeners = 0
  return c => {
    if (listeners >= mostListeners) return c.text('too many pages are open', 503)
    listeners++
    return streamSSE(c, async stream => {
      // bound: mostWaiting; then the page is cut; grown by the program
      const queue: LiveEvent[] = []
      let wake = (): void => {}
      const stop = recorder.listen(event => {
        queue.push(event)
        if (queue.length > mostWaiting) stream.abort()
        wake()
      })
      stream.onAbort(() => wake())
      const woken = (): Promise<void> =>
        new Promise(resolve => {
          wake = resolve
          if (queue.length > 0 || stream.aborted) resolve()
          else setTimeout(resolve, silence).unref()
        })
      try {
        await stream.writeSSE({ event: 'hello', data: '{}' })
        while (!stream.aborted) {
          for (const event of queue.splice(0)) await stream.writeSSE({ data: JSON.stringify(event) })
          await woken()
          if (queue.length === 0) await stream.write(': still here\n\n')
        }
      } finally {
        stop()
        listeners--
      }
    })
  }
}
