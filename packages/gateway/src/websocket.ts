import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { refusal } from '@countersign/protocol/internal'
import { retryAfter } from './upstream.js'

/** The values that the response to a handshake must have. */
export interface Handshake {
  readonly accept: string
}

/** The header lines of this hop, for either side. */
export const handshakeHeaders: ReadonlyArray<readonly [string, string]> = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
]

/**
 * Refuses an invalid handshake before the API behind sees it. If the API refused it and this gateway opened a tunnel, the caller
 * could send unguarded requests to the API ("WebSocket smuggling").
 * @throws AAuthError `invalid_request`; 426 for another version
 * @see RFC 6455 §4.2.1
 */
export function checkHandshake(message: ReceivedMessage): Handshake {
  const [key, ...more] = headerValues(message, 'sec-websocket-key')
  if (message.method !== 'GET' || more.length > 0 || key === undefined || !/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key))
    throw refusal('websocket_handshake_invalid')
  if (headerValues(message, 'sec-websocket-version').join() !== '13')
    throw refusal('websocket_handshake_invalid', { about: 'Sec-WebSocket-Version must be 13', status: 426 })
  return { accept: createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64') }
}

/**
 * Checks that the API has switched to WebSocket.
 * @throws AAuthError `temporarily_unavailable`
 * @see RFC 6455 §4.1
 */
export function checkSwitch(response: IncomingMessage, { accept }: Handshake, socket: Duplex): void {
  const { upgrade, 'sec-websocket-accept': accepted } = response.headers
  if (upgrade?.toLowerCase() === 'websocket' && accepted === accept) return
  socket.destroy()
  throw refusal('dependency_invalid', {
    about: 'the API behind this gateway did not open a WebSocket',
    retryAfter: retryAfter('GET'),
  })
}
