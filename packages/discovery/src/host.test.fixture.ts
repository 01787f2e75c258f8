import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Test-only certificates; their authority's key was thrown away. */
export function pem(name: 'authority' | 'expired' | 'other-name' | 'self-signed' | 'server' | 'server.key'): string {
  const file = name === 'server.key' ? 'server.test.key.pem' : `${name}.test.pem`
  return readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8')
}

/** A server on a free loopback port that ends with the test. */
export interface Host {
  readonly port: number
  /** Connections so far. */
  connections(): number
  /** Connections still open. */
  open(): number
}

/** Starts a server that lives as long as the test. */
export async function listen(
  server: Server,
  { address = '127.0.0.1', port: wanted = 0 }: { readonly address?: string; readonly port?: number } = {},
): Promise<Host> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(wanted, address, resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { port, connections: () => connections, open: () => sockets.size }
}

/** A plain TCP server that answers with the given behaviour. */
export function tcpHost(onSocket: (socket: Socket) => void = socket => socket.resume()): Promise<Host> {
  return listen(createServer(onSocket))
}

/** An http server. */
export function httpHost(handler: http.RequestListener, address?: string): Promise<Host> {
  return listen(http.createServer(handler), address === undefined ? {} : { address })
}

/** An https server whose certificate, by default, is good for localhost, agent.example and keys.example. */
export function httpsHost(handler: http.RequestListener, options: https.ServerOptions = {}): Promise<Host> {
  return listen(https.createServer({ cert: pem('server'), key: pem('server.key'), ...options }, handler))
}

/** Answers every request with a small JSON document. */
export const ok: http.RequestListener = (_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end('{"ok":true}')
}
