import { useEffect, useRef, useState } from 'preact/hooks'
import type { ShownMessage } from '../../../src/explorer/contract.js'
import type { Store } from '../store.js'

/** Milliseconds that each message is shown, so that a reader can follow. */
const each = 420
/** Reads of metadata and keys are many, and alike. */
const eachRead = 110
/** Messages that wait; older ones are left out when a story is faster than a reader for long. */
const mostWaiting = 150

/** The messages as they flow, one after the other, slow enough to follow: the one that is shown now. */
export function usePlayed(store: Store): ShownMessage | undefined {
  const [shown, setShown] = useState<ShownMessage | undefined>(undefined)
  const queue = useRef<ShownMessage[]>([])
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const next = (): void => {
      const message = queue.current.shift()
      if (message === undefined) {
        timer = undefined
        return
      }
      setShown(message)
      timer = setTimeout(next, message.kind === 'discovery' ? eachRead : each)
    }
    let seen = store.get().latest
    const stop = store.follow(() => {
      const { latest } = store.get()
      if (latest === undefined || latest === seen) return
      seen = latest
      queue.current.push(latest)
      if (queue.current.length > mostWaiting) queue.current.shift()
      timer ??= setTimeout(next, 0)
    })
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [store])
  return shown
}
