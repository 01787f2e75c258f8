import { InMemoryTransport } from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { bridge } from './bridge.js'
import type { RemoteTransport } from './transport.js'

// A client of revision 2026-07-28 has no session that could end; the server of revision 2025-11-25 has one with the bridge.

type Message = Readonly<Record<string, unknown>> & { readonly id?: string | number; readonly method?: string }

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/logLevel': 'info',
}
const capabilities = { resources: { subscribe: true }, logging: {} }
const greeting = { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 's', version: '1' } }
const gone = Object.assign(new Error('gone'), { status: 404 })

/** A session of a server, which ends with the first call. */
function session(sent: Message[], isFirst: boolean): RemoteTransport {
  const transport: RemoteTransport = {
    sessionId: isFirst ? 'first' : 'second',
    start: async () => undefined,
    close: async () => transport.onclose?.(),
    async send(raw) {
      const message = raw as unknown as Message
      const { id, method } = message
      if (method === 'tools/call' && isFirst) throw gone
      if (method !== 'server/discover') sent.push(message)
      if (id === undefined) return
      const error = { code: -32_601, message: 'unknown' }
      const answer = method === 'server/discover' ? { error } : { result: method === 'initialize' ? greeting : {} }
      setTimeout(() => transport.onmessage?.({ jsonrpc: '2.0', id, ...answer } as never))
    },
  }
  return transport
}

test('a session that the server has ended is opened again, with the subscriptions and the log level of the client', async () => {
  const [near, local] = InMemoryTransport.createLinkedPair()
  const sessions: Message[][] = []
  const between = bridge({
    local,
    remote: () => {
      const sent: Message[] = []
      sessions.push(sent)
      return session(sent, sessions.length === 1)
    },
  })
  const received: Message[] = []
  near.onmessage = message => void received.push(message as Message)
  await between.start()
  await near.start()
  const say = (id: string, method: string, params: object): Promise<void> =>
    near.send({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } })
  await say('listen', 'subscriptions/listen', { notifications: { resourceSubscriptions: ['note://one'] } })
  await expect.poll(() => received).toHaveLength(1)
  await say('call', 'tools/call', { name: 'pay' })
  await expect.poll(() => received[1]).toEqual({ jsonrpc: '2.0', id: 'call', result: { resultType: 'complete' } })
  const methodsOf = (at: number): unknown[] => sessions[at]?.map(({ method }) => method) ?? []
  expect(methodsOf(0)).toEqual(['initialize', 'notifications/initialized', 'resources/subscribe', 'logging/setLevel'])
  await expect.poll(() => methodsOf(1)).toHaveLength(5)
  expect(methodsOf(1).slice(0, 2)).toEqual(['initialize', 'notifications/initialized'])
  expect(new Set(methodsOf(1).slice(2))).toEqual(new Set(['logging/setLevel', 'resources/subscribe', 'tools/call']))
  await between.close()
})
