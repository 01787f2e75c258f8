import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import type { Connections } from './connections.js'
import type { Logger } from './log.js'

/** Seconds in which the first request of a connection that was taken last may still arrive. */
const firstRequest = 0.25

/**
 * Takes no new connections, waits until those there are have ended, and cuts off what is left after `seconds`.
 */
export async function drain(
  servers: readonly Server[],
  connections: Connections,
  seconds: number,
  log: Logger,
): Promise<void> {
  // Not the close of http.Server: that one also cuts connections whose first request is on its way, unanswered.
  const ended = servers.map(
    server => new Promise<void>(resolve => NetServer.prototype.close.call(server, () => resolve())),
  )
  const timer = setTimeout(() => {
    log.warn({}, 'requests still under way were cut off')
    for (const server of servers) server.closeAllConnections()
    connections.cutRest()
  }, seconds * 1000)
  const started = performance.now()
  const closeIdle = (): void => {
    if (connections.awaited() && performance.now() - started < firstRequest * 1000) return
    for (const server of servers) server.closeIdleConnections()
  }
  closeIdle()
  // Again and again: an answer that began before the draining promised to keep its connection.
  const tidy = setInterval(closeIdle, 50)
  await Promise.all(ended)
  clearInterval(tidy)
  clearTimeout(timer)
}
