import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import type { Connections } from './connections.js'
import type { Logger } from './log.js'

/** Seconds in which the first request of a connection that was just accepted may still arrive. */
const firstRequest = 0.25

/** The servers of one participant, and their open connections. */
export interface Listeners {
  readonly servers: readonly Server[]
  readonly connections: Connections
}

/**
 * Accepts no new connections, waits until the open ones have ended, and cuts those that are left after `seconds`.
 */
export async function drain(
  { servers, connections }: Listeners,
  { seconds, log }: { readonly seconds: number; readonly log: Logger },
): Promise<void> {
  // `close` of http.Server would also cut connections whose first request is still arriving.
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
  // Repeated: a response that began before the draining leaves its connection open when it ends.
  const tidy = setInterval(closeIdle, 50)
  await Promise.all(ended)
  clearInterval(tidy)
  clearTimeout(timer)
}
