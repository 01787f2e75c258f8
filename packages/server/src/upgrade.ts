import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { refusal } from '@countersign/protocol/internal'
import type { Connections } from './connections.js'
import { discardRest } from './discard-rest.js'
import { type ExchangeContext, exchange, type Switching } from './exchange.js'
import { refuseMalformed } from './malformed.js'
import { answerOf, type Participant, type Upgraded } from './participant.js'

/** Bounds on a connection that switches to WebSocket. */
export interface TunnelLimits {
  /** Seconds of silence in both directions. */
  readonly idle: number
  /** Seconds in total. */
  readonly seconds: number
}

interface UpgradeRequest {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** Bytes that followed the head of the request. */
  readonly head: Buffer
  readonly ask: NonNullable<Participant['upgrade']>
  readonly connections: Connections
  readonly bounds: TunnelLimits
}

/**
 * Answers a request to switch to another protocol. A WebSocket is joined to the connection that the participant returns; any other
 * request is answered without the switch (RFC 9110 §7.8), and the connection closes. Never throws.
 */
export async function upgrade(context: ExchangeContext, asked: UpgradeRequest): Promise<void> {
  const { request, socket, connections } = asked
  socket.on('error', () => {})
  connections.tunnel(socket)
  if (hasBody(request) || connections.on(socket as Socket).size > 0) {
    // The parser has released the connection: a body would never be read, and an earlier response would be interrupted.
    const active = connections.on(socket as Socket)
    refuseMalformed(socket as Socket, refusal('upgrade_not_alone'), { active, method: request.method })
    return
  }
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  // The HTTP server has released the connection: it forwards no `drain` and does not close a peer that keeps its side open.
  socket.on('drain', () => response.emit('drain'))
  response.once('finish', () => hangUp(socket))
  const own = { request, response }
  connections.begin(own)
  const ask: Switching['ask'] = message => {
    if (isWebSocket(request)) return asked.ask(message)
    return answerOf(context.participant, message)
  }
  const join = (upgraded: Upgraded): void => {
    response.detachSocket(socket as Socket)
    tunnel(asked, upgraded)
  }
  await exchange(context, { from: request, to: response, switching: { ask, join } })
  connections.end(own)
}

/** Sends pending bytes, then closes without waiting long for the peer's side: open half-connections could fill the server. */
function hangUp(socket: Duplex): void {
  socket.end(() => void discardRest(socket).then(() => socket.destroy()))
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === 'websocket'
}

function tunnel({ socket, head, bounds }: UpgradeRequest, upgraded: Upgraded): void {
  const sides = [socket, upgraded.socket] as const
  const cut = (): void => {
    for (const side of sides) side.destroy()
  }
  // A side that closed during the handshake emits no `close` any more: the other side would stay open.
  if (sides.some(side => side.destroyed)) {
    cut()
    return
  }
  const lines = upgraded.headers.map(([name, value]) => `${name}: ${value}`)
  socket.write(`${['HTTP/1.1 101 Switching Protocols', ...lines].join('\r\n')}\r\n\r\n`, 'latin1')
  socket.write(upgraded.head)
  // bound: one call
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
