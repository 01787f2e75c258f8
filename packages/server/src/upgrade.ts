import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Connections } from './connections.js'
import { discardRest } from './discard-rest.js'
import { type ExchangeContext, exchange } from './exchange.js'
import { refuseMalformed } from './malformed.js'
import type { Participant, Upgraded } from './participant.js'

/** Bounds on a connection that goes on as a WebSocket. */
export interface TunnelLimits {
  /** Seconds of silence in both directions. */
  readonly idle: number
  /** Seconds in all. */
  readonly seconds: number
}

interface Asked {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What came after the head of the request. */
  readonly head: Buffer
  readonly ask: NonNullable<Participant['upgrade']>
  readonly connections: Connections
  readonly bounds: TunnelLimits
}

/**
 * Answers a request to go on in another protocol: a WebSocket is joined to what the participant says, any other request is
 * answered as if it had not asked (RFC 9110 §7.8), and the connection ends. Never throws.
 */
export async function upgrade(context: ExchangeContext, asked: Asked): Promise<void> {
  const { request, socket, connections } = asked
  socket.on('error', () => {})
  connections.tunnel(socket)
  if (hasBody(request) || connections.on(socket as Socket).size > 0) {
    // The parser has let go of the connection: a body would never be read, and an earlier answer would be broken into.
    const malformed = { status: 400, description: 'a request to change the protocol stands alone' } as const
    refuseMalformed(socket as Socket, malformed, connections.on(socket as Socket))
    return
  }
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  // The HTTP server has let go of the connection: it passes on no drain, and would not miss a peer that keeps its side open.
  socket.on('drain', () => response.emit('drain'))
  response.once('finish', () => hangUp(socket))
  const own = { request, response }
  connections.begin(own)
  const ask: Asked['ask'] = message => {
    if (isWebSocket(request)) return asked.ask(message)
    return context.participant.handle(message)
  }
  const join = (upgraded: Upgraded): void => {
    response.detachSocket(socket as Socket)
    tunnel(asked, upgraded)
  }
  await exchange(context, request, response, { ask, join })
  connections.end(own)
}

/** What was sent still goes out; then a peer that does not end its own side is not waited for, else strangers could fill the server. */
function hangUp(socket: Duplex): void {
  socket.end(() => void discardRest(socket).then(() => socket.destroy()))
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === 'websocket'
}

function tunnel({ socket, head, bounds }: Asked, upgraded: Upgraded): void {
  const sides = [socket, upgraded.socket] as const
  const cut = (): void => {
    for (const side of sides) side.destroy()
  }
  // Whoever left during the handshake will not close again: the other side would stay.
  if (sides.some(side => side.destroyed)) {
    cut()
    return
  }
  const lines = upgraded.headers.map(([name, value]) => `${name}: ${value}`)
  socket.write(`${['HTTP/1.1 101 Switching Protocols', ...lines].join('\r\n')}\r\n\r\n`, 'latin1')
  socket.write(upgraded.head)
  socket.unshift(head)
  const end = setTimeout(cut, bounds.seconds * 1000)
  let isActive = true
  const watch = setInterval(() => {
    if (!isActive) cut()
    isActive = false
  }, bounds.idle * 1000)
  for (const [side, other] of [sides, [...sides].reverse()] as Array<typeof sides>) {
    side.on('data', () => {
      isActive = true
    })
    side.on('error', () => other.destroy())
    side.once('close', () => {
      hangUp(other)
      if (other.destroyed) clearTimeout(end)
      if (other.destroyed) clearInterval(watch)
    })
    side.pipe(other)
  }
}
