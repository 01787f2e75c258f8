import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A request that is being answered. */
export interface ActiveExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** What a server knows of its open connections, so that it ends them without losing what is on its way. */
export interface Connections {
  /** @param door `secureConnection` of a server that speaks TLS: its HTTP connections are not those of the network */
  watch(server: Server, door?: 'connection' | 'secureConnection'): void
  begin(exchange: ActiveExchange): void
  end(exchange: ActiveExchange): void
  /** What is being answered on a connection, more than one when a peer pipelines. */
  on(socket: Socket): ReadonlySet<ActiveExchange>
  /** Takes care of a connection that the HTTP server has given away, until it closes. */
  tunnel(socket: Duplex): void
  /** Cuts all of those, and TLS handshakes under way. */
  cutRest(): void
  /** Whether a connection has come as far as HTTP. */
  isOpen(socket: Socket): boolean
  /** Whether someone has connected whose first request has not come yet. */
  awaited(): boolean
}

/** Keeps track of connections; one instance serves several addresses. */
export function trackConnections(): Connections {
  const fresh = new Set<Socket>()
  const open = new WeakSet<Socket>()
  const active = new Map<Socket, Set<ActiveExchange>>()
  const tunnels = new Set<Duplex>()
  const shaking = new Set<Duplex>()
  const none: ReadonlySet<ActiveExchange> = new Set()
  return {
    watch(server, door = 'connection') {
      server.on(door, (socket: Socket) => {
        fresh.add(socket)
        open.add(socket)
        socket.once('close', () => fresh.delete(socket))
      })
      if (door === 'connection') return
      server.on('connection', socket => {
        shaking.add(socket)
        socket.once('close', () => shaking.delete(socket))
      })
    },
    begin(exchange) {
      const { socket } = exchange.request
      fresh.delete(socket)
      active.set(socket, (active.get(socket) ?? new Set()).add(exchange))
    },
    end(exchange) {
      const { socket } = exchange.request
      const exchanges = active.get(socket)
      exchanges?.delete(exchange)
      if (exchanges?.size === 0) active.delete(socket)
    },
    on: socket => active.get(socket) ?? none,
    isOpen: socket => open.has(socket),
    tunnel(socket) {
      tunnels.add(socket)
      socket.once('close', () => tunnels.delete(socket))
    },
    cutRest() {
      for (const socket of [...tunnels, ...shaking]) socket.destroy()
    },
    awaited: () => fresh.size > 0,
  }
}
