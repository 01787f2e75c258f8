import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import type { Requirement } from '@countersign/resource'
import { serve } from '@countersign/server'
import { closing } from '@countersign/testing/closing'
import type { Signer } from '@countersign/testing/world/signer'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createGateway } from './index.js'
import { raw } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const ends: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function listening(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  ends.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function gatewayTo(
  upstream: number,
  limits: { tunnelIdle?: number; tunnelSeconds?: number } = {},
  requirement: Requirement<'read'> = { level: 'identified' },
) {
  const running = await serve({
    name: 'gateway',
    id: 'https://api.example',
    port: 0,
    host: '127.0.0.1',
    level: 'silent',
    drain: 0.3,
    limits,
    participant: createGateway({
      resource: world.resource,
      upstream: `http://127.0.0.1:${upstream}`,
      routes: [
        { path: '/*', requirement },
        { path: '/open', requirement: { level: 'anonymous' } },
        { path: '/mcp', requirement: { level: 'identified' }, mcp: { tools: {} } },
      ],
    }),
    signals: false,
    announce: () => {},
  })
  ends.push(() => running.close())
  return running
}

/** The echo server of another library. */
async function echoing() {
  const seen: IncomingMessage[] = []
  const server = createServer((_, response) => response.end('no WebSocket'))
  const sockets = new WebSocketServer({ server, path: '/chat', handleProtocols: () => 'v1.chat' })
  sockets.on('connection', (socket, request) => {
    seen.push(request)
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  return { port: await listening(server), seen, sockets }
}

async function handshake(target: string, as?: Signer): Promise<Record<string, string>> {
  if (as === undefined) return { host: 'api.example' }
  const headers: Array<[string, string]> = [['upgrade', 'websocket']]
  const lines = await world.sign({ as, target, headers, additionalComponents: ['upgrade'] })
  // The client writes the Upgrade line itself.
  return Object.fromEntries(lines.filter(([name]) => name !== 'upgrade'))
}

/** The client of another library; it resolves to the status of a refusal. */
async function open(port: number, target: string, headers: Record<string, string>): Promise<WebSocket | number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`, 'v1.chat', { headers })
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket))
    socket.once('unexpected-response', (_, response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    socket.once('error', reject)
  })
}

async function opened(port: number, target: string, headers: Record<string, string>): Promise<WebSocket> {
  const socket = await open(port, target, headers)
  if (typeof socket === 'number') throw new Error(`refused: ${socket}`)
  return socket
}

async function echo(socket: WebSocket, data: string | Buffer): Promise<string | Buffer> {
  const answer = once(socket, 'message')
  socket.send(data)
  const [received, isBinary] = await answer
  return isBinary ? received : String(received)
}

test(
  verifies('SIG-01', 'a signed handshake opens a WebSocket, and the API knows whose; an unsigned one does not'),
  async () => {
    const { port: upstream, seen } = await echoing()
    const { port } = await gatewayTo(upstream)
    const forged = { 'AAuth-Level': 'authorized', aauth_user: 'root' }
    expect(await open(port, '/chat', { ...(await handshake('/chat')), ...forged })).toBe(401)
    expect(await open(port, '/chat', await handshake('/chat', world.stranger))).toBe(401)
    const socket = await opened(port, '/chat', { ...(await handshake('/chat', world.agent)), ...forged })
    expect(socket.protocol).toBe('v1.chat')
    expect(await echo(socket, 'hello')).toBe('hello')
    const large = Buffer.alloc(3_000_000, 7)
    expect(large.equals((await echo(socket, large)) as Buffer)).toBe(true)
    expect(seen).toHaveLength(1)
    const told = Object.entries(seen[0]?.headers ?? {}).filter(([name]) => /^aauth|^signature/.test(name))
    expect(Object.fromEntries(told)).toMatchObject({
      'aauth-level': 'identified',
      'aauth-agent': 'https://agent.example',
    })
    expect(seen[0]?.headers).not.toHaveProperty('aauth_user')
    socket.close(4001, 'done')
    expect((await once(socket, 'close'))[0]).toBe(4001)
  },
)

test(
  verifies('REV-09', 'a WebSocket and a response end within a second when their grant is revoked; others go on'),
  async () => {
    const { port: upstream } = await echoing()
    const { port } = await gatewayTo(upstream, {}, { scope: 'read' })
    const openAs = async (grant: string) =>
      opened(port, '/chat', await handshake('/chat', await world.holder({ grant })))
    const [revoked, other] = [await openAs('w1'), await openAs('w2')]
    const over = once(revoked, 'close')
    await world.revocations.add({ issuer: 'https://auth.example', grant: 'w1', exp: Date.now() / 1000 + 600 })
    await Promise.race([over, sleep(1000)])
    expect(revoked.readyState).toBe(WebSocket.CLOSED)
    expect(await echo(other, 'still here')).toBe('still here')
    expect(await open(port, '/chat', await handshake('/chat', await world.holder({ grant: 'w1' })))).toBe(401)
    other.close()
  },
)

test(verifies('NON-01', 'a handshake that is sent again opens nothing'), async () => {
  const { port: upstream, seen } = await echoing()
  const { port } = await gatewayTo(upstream)
  const headers = await handshake('/chat', world.agent)
  const socket = await opened(port, '/chat', headers)
  expect(await open(port, '/chat', headers)).toBe(401)
  expect(seen).toHaveLength(1)
  expect(await open(port, '/none', await handshake('/none', world.agent))).toBe(400)
  socket.close()
})

test('a captured signed GET cannot be used as a handshake', async () => {
  const { port: upstream, seen } = await echoing()
  const { port } = await gatewayTo(upstream)
  const plain = Object.fromEntries(await world.sign({ as: world.agent, target: '/chat' }))
  expect(await open(port, '/chat', plain)).toBe(401)
  expect(seen).toEqual([])
  const socket = await opened(port, '/chat', await handshake('/chat', world.agent))
  socket.close()
})

const asked = (lines: string[], target = '/open') =>
  [`GET ${target} HTTP/1.1`, 'Host: api.example', 'Connection: Upgrade', 'Upgrade: websocket', ...lines, '', ''].join(
    '\r\n',
  )
const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
const version = 'Sec-WebSocket-Version: 13'
const next = 'GET /secret HTTP/1.1\r\nHost: api.example\r\n\r\n'

test('an invalid handshake is refused, and nothing after it reaches the API (WebSocket smuggling)', async () => {
  const targets: string[] = []
  const server = createServer((request, response) => {
    targets.push(request.url ?? '')
    response.end('served')
  })
  const { port } = await gatewayTo(await listening(server))
  const refused = async (text: string) => {
    const answer = await raw(port, text + next)
    if (text.includes('Content-Length')) expect(answer).toContain('"error":"invalid_request"')
    else expect(answer).toContain('"reason":"websocket_handshake_invalid"')
    return answer.match(/^HTTP\/1\.1 (\d+)/)?.[1]
  }
  expect(await refused(asked([key, 'Sec-WebSocket-Version: 77']))).toBe('426')
  expect(await refused(asked([version]))).toBe('400')
  expect(await refused(asked([version, 'Sec-WebSocket-Key: short']))).toBe('400')
  expect(await refused(asked([version, key, key]))).toBe('400')
  expect(await refused(asked([version, key, 'Content-Length: 3']))).toBe('400')
  expect(await refused(asked([version, key]).replace('GET', 'POST'))).toBe('400')
  expect(targets).toEqual([])
  // An API without WebSockets answers it like any other request, and then the connection ends.
  const answer = await raw(port, asked([version, key]) + next)
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*served$/s)
  expect(targets).toEqual(['/open'])
})

test('an API that changes to something else is no WebSocket, and is spoken to no more', async () => {
  const received: string[] = []
  const server = createServer().on('upgrade', (_, socket) => {
    socket.on('data', chunk => received.push(String(chunk)))
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n\r\n',
    )
  })
  const { port } = await gatewayTo(await listening(server))
  expect(await raw(port, asked([version, key]) + next)).toMatch(/^HTTP\/1\.1 503 .*"reason":"dependency_invalid"/s)
  expect(received).toEqual([])
})

test('a request for another protocol is answered as if it had not asked, however much there is to say', async () => {
  const server = createServer((_, response) => response.end(`${'x'.repeat(1_000_000)}plain`))
  const { port } = await gatewayTo(await listening(server))
  const answer = await raw(port, asked(['HTTP2-Settings: AAMAAABkAAQAAP__']).replace('websocket', 'h2c'))
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*plain$/s)
  expect(answer.length).toBeGreaterThan(1_000_000)
})

/** Writes until the other side has closed: a half-closed connection gives no other sign. */
async function untilGone(socket: Socket): Promise<void> {
  const closed = closing(socket)
  const writing = setInterval(() => socket.write('.'), 50)
  await closed
  clearInterval(writing)
}

test('a refused caller that does not end its own side is not waited for', async () => {
  const { port } = await gatewayTo((await echoing()).port)
  for (const refused of [asked([version, key], '/chat'), asked([version])]) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).resume()
    socket.write(refused)
    await once(socket, 'end')
    await untilGone(socket)
  }
})

/** A WebSocket server that never ends its side of a connection. */
async function clinging(before: () => Promise<unknown> = async () => {}) {
  const accept = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='
  const joined: Socket[] = []
  const server = createServer().on('upgrade', async (_, socket) => {
    joined.push(socket.on('error', () => {}).resume() as Socket)
    await before()
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${accept}\r\n\r\n`)
  })
  return { port: await listening(server), joined }
}

test('a caller that disconnects during the handshake leaves no connection open', async () => {
  let leave = (): void => {}
  const { port: upstream, joined } = await clinging(async () => {
    leave()
    await sleep(100)
  })
  const { port } = await gatewayTo(upstream)
  const caller = connect(port, '127.0.0.1', () => caller.write(asked([version, key])))
  await new Promise<void>(resolve => {
    leave = () => resolve(void caller.resetAndDestroy())
  })
  await once(joined[0] as Socket, 'end')
})

test('an API that does not end its side keeps nothing open when the server ends', async () => {
  const { port: upstream, joined } = await clinging()
  const running = await gatewayTo(upstream)
  const caller = connect(running.port, '127.0.0.1', () => caller.write(asked([version, key])))
  await once(caller, 'data')
  await running.close()
  await untilGone(joined[0] as Socket)
})

test('when one side closes the other does, too; silence, age and the end of the server close both', async () => {
  const { port: upstream, sockets } = await echoing()
  const running = await gatewayTo(upstream, { tunnelIdle: 0.2 })
  const visit = async (port: number) => {
    const joined = once(sockets, 'connection')
    const socket = await opened(port, '/chat', await handshake('/chat', world.agent))
    return { socket, other: (await joined)[0] as WebSocket }
  }
  const gone = await visit(running.port)
  const left = once(gone.other, 'close')
  gone.socket.terminate()
  await left
  const cut = await visit(running.port)
  const lost = once(cut.socket, 'close')
  cut.other.terminate()
  await lost
  const silent = await visit(running.port)
  await Promise.all([once(silent.socket, 'close'), once(silent.other, 'close')])

  const aged = await gatewayTo(upstream, { tunnelSeconds: 0.3 })
  const busy = await visit(aged.port)
  const talk = setInterval(() => busy.socket.send('still here'), 20)
  await once(busy.socket, 'close')
  clearInterval(talk)

  const last = await visit((await gatewayTo(upstream)).port)
  const ended = once(last.socket, 'close')
  for (const end of ends.splice(1).reverse()) await end()
  await ended
})

test('no WebSocket leads to the tools of an MCP server: no rule would judge its messages', async () => {
  const server = createServer()
  const sockets = new WebSocketServer({ server, path: '/mcp' })
  const said: string[] = []
  sockets.on('connection', socket => socket.on('message', data => void said.push(String(data))))
  const gateway = await gatewayTo(await listening(server))
  const opened = await open(gateway.port, '/mcp', await handshake('/mcp', world.agent))
  if (opened instanceof WebSocket) {
    opened.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"secret"}}')
    await sleep(100)
    opened.terminate()
  }
  expect([opened, said]).toEqual([400, []])
  expect(await raw(gateway.port, asked([version, key], '/mcp'))).toContain('"reason":"websocket_unsupported"')
})
