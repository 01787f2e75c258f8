import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { trackConnections } from './connections.js'
import type { ExchangeContext } from './exchange.js'
import { upgrade } from './upgrade.js'

test('a refused connection whose peer reads nothing any more is cut with the rest when the server ends', async () => {
  const connections = trackConnections()
  const socket = new Duplex({ read() {}, write() {} })
  await upgrade({} as ExchangeContext, {
    ...{ request: { headers: { 'content-length': '3' } } as IncomingMessage, head: Buffer.alloc(0) },
    ...{ socket, connections, ask: async () => new Response(), bounds: { idle: 300, seconds: 3600 } },
  })
  expect(socket.destroyed).toBe(false)
  connections.cutRest()
  expect(socket.destroyed).toBe(true)
})
