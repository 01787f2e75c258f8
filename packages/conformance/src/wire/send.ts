import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Exchange, requestBytes, type WireRequest } from './message.js'
import { readResponse } from './read-response.js'

/** A response of more bytes is cut off: no case needs it. */
const longestResponse = 4 * 1024 * 1024

/** Bytes as they are. */
export interface RawRequest {
  readonly bytes: Buffer
  readonly method: string
  /** What comes so many milliseconds after them: more bytes, or the end of the connection. */
  readonly later?: { readonly after: number; readonly bytes: Buffer | 'end' }
}

/** What a case sends: a request, or bytes as they are. */
export type Sendable = WireRequest | RawRequest

/**
 * Sends bytes on a connection of their own, and waits for the response.
 * @param deadline milliseconds for the whole exchange
 */
export function send(origin: URL, what: Sendable, o: { title: string; deadline: number }): Promise<Exchange> {
  const sent = 'bytes' in what ? what.bytes : requestBytes(what)
  const { title, deadline } = o
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    const socket = open(origin)
    const finish = (found: Pick<Exchange, 'response' | 'trouble' | 'isUnreachable'>): void => {
      clearTimeout(timer)
      clearTimeout(waiting)
      socket.destroy()
      resolve({ title, sent, received: Buffer.concat(chunks), ...found })
    }
    const read = (ended: boolean): void => {
      try {
        const response = readResponse(Buffer.concat(chunks), what.method, ended)
        if (response !== undefined) finish({ response })
        else if (ended) finish({ trouble: 'the connection ended before a whole response' })
      } catch (error) {
        finish({ trouble: error instanceof Error ? error.message : 'the response cannot be read' })
      }
    }
    const timer = setTimeout(() => finish({ trouble: `no whole response within ${deadline} ms` }), deadline)
    let isConnected = false
    socket.on('connect', () => {
      isConnected = true
    })
    let bytes = 0
    socket.on('data', chunk => {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes > longestResponse) finish({ trouble: 'the response has over 4 MiB' })
      else read(false)
    })
    socket.on('end', () => read(true))
    socket.on('error', error => {
      // A server may refuse a request before it has read it, and reset the connection after its response.
      if (chunks.length > 0) read(true)
      else if (isConnected) finish({ trouble: `no response: ${wordsOf(error)}` })
      else finish({ trouble: `no connection: ${wordsOf(error)}`, isUnreachable: true })
    })
    socket.write(sent)
    const later = 'bytes' in what ? what.later : undefined
    const waiting = setTimeout(() => later && sendLater(socket, later.bytes), later?.after ?? 0)
  })
}

function sendLater(socket: Socket, bytes: Buffer | 'end'): void {
  if (bytes === 'end') socket.end()
  else socket.write(bytes)
}

/** Where several addresses of a name were tried, Node's error has a code and no message. */
function wordsOf(error: Error & { readonly code?: string }): string {
  return error.message === '' ? (error.code ?? error.name) : error.message
}

function open(origin: URL): Socket {
  const host = origin.hostname.replace(/^\[|\]$/g, '')
  const port = Number(origin.port || (origin.protocol === 'https:' ? 443 : 80))
  return origin.protocol === 'https:' ? connectTls({ host, port, servername: host }) : connect({ host, port })
}
