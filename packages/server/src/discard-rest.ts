import type { Readable } from 'node:stream'

const most = 4 * 1024 * 1024
const seconds = 1

/**
 * Reads and drops the rest of a refused request's body, or of its connection, up to 4 MiB and one second. A connection that is
 * closed while the peer still sends is reset, and with the reset the peer would lose the response with the reason.
 */
export function discardRest(from: Readable): Promise<void> {
  return new Promise(resolve => {
    let length = 0
    const count = (chunk: Uint8Array): void => {
      length += chunk.length
      if (length > most) stop()
    }
    const timer = setTimeout(stop, seconds * 1000)
    function stop(): void {
      clearTimeout(timer)
      from.off('data', count).off('end', stop).off('close', stop)
      from.pause()
      resolve()
    }
    if (from.destroyed || from.readableEnded) return stop()
    from.on('data', count).once('end', stop).once('close', stop)
    from.resume()
  })
}
