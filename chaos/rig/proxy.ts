import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Random } from '../random.js'

/** What happens to bytes on their way. */
export interface Weather {
  /** Milliseconds that each piece takes longer, one way. */
  readonly delay?: number
  /** Of the connections that are made so many are reset after their first bytes went through, of 1: what was asked may have happened. */
  readonly cut?: number
  /** Nothing goes on, and nobody is told: to the server, from it, or both. */
  readonly silent?: 'to' | 'from' | 'both'
  /** Each request gets these bytes for an answer, and reaches nobody. */
  readonly says?: string
  /** New connections are refused. */
  readonly refuses?: boolean
}

/** What a way did to its connections. */
export interface WayCounts {
  opened: number
  /** Connections that a fault ended or refused. */
  cut: number
  /** Pieces of bytes that came late. */
  delayed: number
  /** Pieces of bytes that were thrown away. */
  dropped: number
}

/** A way to one server, or to the next of several, that a test can take away. */
export interface Way {
  readonly port: number
  readonly counts: WayCounts
  weather: Weather
  /** Ports on 127.0.0.1, one after the other; one that does not answer is left out. */
  targets: readonly number[]
  /** Ends all open connections at once. */
  cutAll(): void
  close(): Promise<void>
}

/** Where a way begins. */
export interface WayPlace {
  /** Default: one that is free. */
  readonly port?: number
  /** Default 127.0.0.1. */
  readonly host?: string
  readonly targets: readonly number[]
  readonly random: Random
}

/** Opens a way. */
export async function openWay(place: WayPlace): Promise<Way> {
  const sockets = new Set<Socket>()
  const counts: WayCounts = { opened: 0, cut: 0, delayed: 0, dropped: 0 }
  let turn = 0
  const cutAll = (): void => {
    counts.cut += sockets.size
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const server = createServer(inbound => {
    inbound.on('error', () => inbound.destroy())
    if (way.weather.refuses === true) {
      counts.cut += 1
      inbound.resetAndDestroy()
      return
    }
    counts.opened += 1
    const { says } = way.weather
    if (says !== undefined) {
      inbound.once('data', () => inbound.end(says))
      return
    }
    const order = way.targets.map((_, index) => way.targets[(turn + index) % way.targets.length] ?? 0)
    turn += 1
    keep(sockets, inbound)
    connectToOne(order, outbound => {
      if (outbound === undefined || inbound.destroyed) {
        outbound?.destroy()
        inbound.resetAndDestroy()
        return
      }
      keep(sockets, outbound)
      const isCut = place.random.chance(way.weather.cut ?? 0)
      join(inbound, outbound, { way, isCut })
    })
  })
  await listening(server, place)
  const address = server.address()
  const way: Way = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    counts,
    weather: {},
    targets: place.targets,
    cutAll,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  return way
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket)
  socket.setNoDelay(true)
  socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
}

/** Tries one port after the other. Bytes of the client wait meanwhile in its socket. */
function connectToOne(ports: readonly number[], ready: (socket: Socket | undefined) => void): void {
  const [port, ...others] = ports
  if (port === undefined) {
    ready(undefined)
    return
  }
  const socket = connect({ port, host: '127.0.0.1' })
  const next = (): void => connectToOne(others, ready)
  socket.once('error', next)
  socket.once('connect', () => {
    socket.off('error', next)
    ready(socket)
  })
}

function join(inbound: Socket, outbound: Socket, { way, isCut }: { readonly way: Way; readonly isCut: boolean }): void {
  const pass = (from: Socket, to: Socket, direction: 'to' | 'from'): void => {
    // What was delayed goes on before what came later, also once nothing is delayed any more.
    const waiting: Array<() => void> = []
    let due = 0
    const inOrder = (act: () => void): void => {
      const now = performance.now()
      due = Math.max(due, now + (way.weather.delay ?? 0))
      if (due <= now && waiting.length === 0) {
        act()
        return
      }
      waiting.push(act)
      setTimeout(() => waiting.shift()?.(), due - now)
    }
    from.on('data', bytes => {
      const { silent, delay = 0 } = way.weather
      if (silent === direction || silent === 'both') {
        way.counts.dropped += 1
        return
      }
      if (direction === 'from' && isCut) {
        // The server has answered: what was asked has happened, and its client does not get to know.
        way.counts.cut += 1
        inbound.resetAndDestroy()
        return
      }
      if (delay > 0) way.counts.delayed += 1
      inOrder(() => void (to.writable && to.write(bytes)))
    })
    from.on('close', () => inOrder(() => to.destroySoon()))
  }
  pass(inbound, outbound, 'to')
  pass(outbound, inbound, 'from')
}

function listening(server: Server, { port = 0, host = '127.0.0.1' }: WayPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => resolve())
  })
}
