import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { trackConnections } from './connections.js'
import type { ExchangeContext } from './exchange.js'
import { upgrade } from './upgrade.js'

test('a refused connection whose peer reads nothing any more is cut with the rest when the server ends', async () => {
  const connections = trackConnections()
  const written: string[] = []
  const socket = new Duplex({ read() {}, write: chunk => void written.push(String(chunk)) })
  await upgrade({} as ExchangeContext, {
    request: { headers: { 'content-length': '3' } } as IncomingMessage,
    head: Buffer.alloc(0),
    socket,
    connections,
    ask: async () => new Response(),
    bounds: { idle: 300, seconds: 3600 },
  })
  expect(socket.destroyed).toBe(false)
  expect(written.join('')).toContain('"reason":"upgrade_not_alone"')
  connections.cutRest()
  expect(socket.destroyed).toBe(true)
})

test('the refusal has its body, but for HEAD, of which a caller reads none', async () => {
  for (const [method, end] of [
    ['GET', '}'],
    ['HEAD', '\r\n\r\n'],
  ] as const) {
    let written = ''
    const write = (chunk: unknown): void => {
      written += String(chunk)
    }
    const socket = new Duplex({ read() {}, write })
    await upgrade({} as ExchangeContext, {
      request: { method, headers: { 'content-length': '3' } } as IncomingMessage,
      head: Buffer.alloc(0),
      socket,
      connections: trackConnections(),
      ask: async () => new Response(),
      bounds: { idle: 300, seconds: 3600 },
    })
    expect(written).toMatch(/^HTTP\/1\.1 400 /)
    expect(written.endsWith(end)).toBe(true)
  }
})
