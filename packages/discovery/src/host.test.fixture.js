import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { createServer } from 'node:net'
import { onTestFinished } from 'vitest'
/** Test-only certificates; their authority's key was thrown away. */
export function pem(name) {
  const file = name === 'server.key' ? 'server.test.key.pem' : `${name}.test.pem`
  return readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8')
}
/** Starts a server that lives as long as the test. */
export async function listen(server, { address = '127.0.0.1', port: wanted = 0 } = {}) {
  const sockets = new Set()
  let connections = 0
  server.on('connection', socket => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise(resolve => server.listen(wanted, address, resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  const { port } = server.address()
  return { port, connections: () => connections, open: () => sockets.size }
}
/** A plain TCP server that answers with the given behaviour. */
export function tcpHost(onSocket = socket => socket.resume()) {
  return listen(createServer(onSocket))
}
/** An http server. */
export function httpHost(handler, address) {
  return listen(http.createServer(handler), address === undefined ? {} : { address })
}
/** An https server whose certificate, by default, is good for localhost, agent.example and keys.example. */
export function httpsHost(handler, options = {}) {
  return listen(https.createServer({ cert: pem('server'), key: pem('server.key'), ...options }, handler))
}
/** Answers every request with a small JSON document. */
export const ok = (_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end('{"ok":true}')
}
//# sourceMappingURL=host.test.fixture.js.map
