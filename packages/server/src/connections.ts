import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A request that is being answered. */
export interface ActiveExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** The open connections of a server, so that it can close them without losing requests. */
export interface Connections {
  /** @param door the event for a new HTTP connection: `secureConnection` for a server with TLS */
  watch(server: Server, door?: 'connection' | 'secureConnection'): void
  begin(exchange: ActiveExchange): void
  end(exchange: ActiveExchange): void
  /** The requests being answered on a connection; more than one when a peer pipelines. */
  on(socket: Socket): ReadonlySet<ActiveExchange>
  /** Tracks a connection that no longer belongs to the HTTP server, until it closes. */
  tunnel(socket: Duplex): void
  /** Cuts all tunnels and TLS handshakes under way. */
  cutRest(): void
  /** Whether HTTP can be used on the connection: with TLS, whether its handshake is over. */
  isOpen(socket: Socket): boolean
  /** How many connections are open, tunnels and TLS handshakes included, and how many requests are being answered. */
  counts(): { readonly connections: number; readonly requests: number }
  /** Whether any connection has not received its first request yet. */
  awaited(): boolean
}

/** Tracks connections; the servers of several addresses share one instance. */
export function trackConnections(): Connections {
  // bound: open connections without a request, of 15 seconds; bytes: as the sockets; grown by a stranger; shared: by
  // the operating system and the server in front; filled by idle-connections.long.ts "10 000 idle connections"
  const fresh = new Set<Socket>()
  const open = new WeakSet<Socket>()
  // bound: open connections; bytes: as the sockets; grown by a stranger; shared: by the operating system and the server
  // in front; filled by idle-connections.long.ts "10 000 idle connections"
  const active = new Map<Socket, Set<ActiveExchange>>()
  // bound: open connections; bytes: as the sockets; grown by a stranger; shared: by the operating system and the server
  // in front; filled by websocket.test.ts "silence, age and the end of the server close both"
  const tunnels = new Set<Duplex>()
  // bound: open connections; bytes: as the sockets; grown by a stranger; shared: by the operating system and the server
  // in front; filled by idle-connections.long.ts "10 000 idle connections"
  const shaking = new Set<Duplex>()
  let connections = 0
  let requests = 0
  // bound: empty; grown by the program
  const none: ReadonlySet<ActiveExchange> = new Set()
  return {
    watch(server, door = 'connection') {
      server.on(door, (socket: Socket) => {
        fresh.add(socket)
        open.add(socket)
        socket.once('close', () => fresh.delete(socket))
      })
      server.on('connection', socket => {
        connections += 1
        socket.once('close', () => {
          connections -= 1
        })
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
      requests += 1
      // bound: requests of one connection; bytes: small; grown by a stranger; shared: each connection its own; filled
      // by idle-connections.long.ts "10 000 idle connections"
      active.set(socket, (active.get(socket) ?? new Set()).add(exchange))
    },
    end(exchange) {
      const { socket } = exchange.request
      const exchanges = active.get(socket)
      if (exchanges?.delete(exchange) === true) requests -= 1
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
    counts: () => ({ connections, requests }),
    awaited: () => fresh.size > 0,
  }
}
