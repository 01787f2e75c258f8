import { AgentError } from '@countersign/agent'
import type { Lost } from '@countersign/mcp/internal/client'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, test } from 'vitest'
import { bridge } from './bridge.js'
import type { RemoteTransport } from './transport.js'

type Handler = (message: JSONRPCMessage, options?: TransportSendOptions) => Promise<void> | void

/** A session at a server that is played by the test. */
interface Played extends RemoteTransport {
  readonly sent: JSONRPCMessage[]
  readonly onLost: (lost: Lost) => void
  isClosed: boolean
  isTerminated: boolean
  say(message: object): void
}

const gone = Object.assign(new Error('Streamable HTTP error: 404'), { code: 404 })
const hello = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: { roots: {} }, clientInfo: { name: 'c', version: '1' } },
} as const
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' } as const
const request = (id: number, method = 'tools/call') =>
  ({ jsonrpc: '2.0', id, method, params: { name: 'pay' } }) as const
const answer = (id: unknown, result: object = {}): object => ({ jsonrpc: '2.0', id, result })
const welcome = (version = '2025-11-25'): object => ({
  protocolVersion: version,
  capabilities: {},
  serverInfo: { name: 's', version: '1' },
})

function played(id: number, onLost: (lost: Lost) => void, handler: Handler): Played {
  const session: Played = {
    sent: [],
    onLost,
    isClosed: false,
    isTerminated: false,
    sessionId: `s${id}`,
    start: async () => undefined,
    async send(message, options) {
      // The bridge finds out first what the server speaks.
      if ('method' in message && message.method === 'server/discover')
        return session.say({ jsonrpc: '2.0', id: Object(message).id, error: { code: -32601, message: 'unknown' } })
      session.sent.push(message)
      await handler(message, options)
    },
    async close() {
      session.isClosed = true
      session.onclose?.()
    },
    terminateSession: async () => {
      session.isTerminated = true
    },
    say: message => session.onmessage?.(message as JSONRPCMessage),
  }
  return session
}

/** A bridge whose sessions answer `initialize`, and everything else as `handlers` say, one of them a session. */
async function place(...handlers: Array<(session: Played) => Handler>) {
  const sessions: Played[] = []
  const errors: Error[] = []
  const [client, local] = InMemoryTransport.createLinkedPair()
  const between = bridge({
    local,
    remote: onLost => {
      const [make] = handlers.splice(0, 1)
      const handle: Handler = (message, options) => {
        if (!('method' in message && message.method === 'initialize' && 'id' in message))
          return make?.(session)(message, options)
        setTimeout(() => session.say(answer(message.id, welcome())))
      }
      const session = played(sessions.length, onLost, make === undefined ? () => Promise.reject(gone) : handle)
      sessions.push(session)
      return session
    },
    onError: error => void errors.push(error),
  })
  const received: JSONRPCMessage[] = []
  client.onmessage = message => void received.push(message)
  await between.start()
  for (const message of [hello, initialized]) await client.send(message)
  await expect.poll(() => sessions[0]?.sent.length).toBe(2)
  received.length = 0
  const methods = (n: number): unknown[] =>
    sessions[n]?.sent.map(message => 'method' in message && message.method) ?? []
  return { between, client, sessions, errors, received, methods }
}

const lives =
  (session: Played): Handler =>
  message => {
    if ('method' in message && 'id' in message)
      setTimeout(() => session.say(answer(message.id, { by: session.sessionId })))
  }
const ended = (): Handler => message => {
  if (!('method' in message && message.method === 'notifications/initialized')) throw gone
}

test('messages wait until the server has answered initialize', async () => {
  const { sessions, client, received, methods } = await place(lives)
  await client.send(request(1))
  await expect.poll(() => received).toEqual([answer(1, { by: 's0' })])
  expect(methods(0)).toEqual(['initialize', 'notifications/initialized', 'tools/call'])
  expect(sessions).toHaveLength(1)
})

describe('a session that the server has ended', () => {
  test("is opened again once, with the client's initialize, and a request that was not acted on is sent again", async () => {
    const { client, sessions, received, methods } = await place(ended, lives)
    for (const id of [1, 2]) await client.send(request(id))
    await expect.poll(() => received).toEqual([answer(1, { by: 's1' }), answer(2, { by: 's1' })])
    expect(methods(1)).toEqual(['initialize', 'notifications/initialized', 'tools/call', 'tools/call'])
    expect(sessions[1]?.sent[0]).toMatchObject({ id: expect.stringMatching(/^countersign-/), params: hello.params })
    expect(sessions.map(({ isClosed }) => isClosed)).toEqual([true, false])
  })

  test('is recognised by 400 when a ping gets the same', async () => {
    const bad = Object.assign(new Error('Streamable HTTP error: 400'), { code: 400 })
    const forgetful = (): Handler => message => {
      if ('id' in message) throw bad
    }
    const { client, received, methods } = await place(forgetful, lives)
    await client.send(request(1))
    await expect.poll(() => received).toEqual([answer(1, { by: 's1' })])
    expect(methods(0)).toEqual(['initialize', 'notifications/initialized', 'tools/call', 'ping'])
    const choosy = (): Handler => message => {
      if ('id' in message && message.id === 1) throw bad
    }
    const other = await place(choosy)
    await other.client.send(request(1))
    await expect.poll(() => other.received).toMatchObject([{ id: 1, error: { data: { status: 400 } } }])
    expect(other.sessions).toHaveLength(1)
  })

  test('fails a request after a second end in a row', async () => {
    const { client, received, sessions } = await place(ended, ended)
    await client.send(request(1))
    await expect.poll(() => received).toMatchObject([{ id: 1, error: { code: -32603, data: { status: 404 } } }])
    expect(sessions).toHaveLength(2)
  })

  test('fails a request when the server opens no new one; the next request tries again', async () => {
    const { client, received, sessions } = await place(ended)
    await client.send(request(1))
    await expect.poll(() => received).toMatchObject([{ id: 1, error: { data: { status: 404 } } }])
    await client.send(request(2))
    await expect.poll(() => received).toHaveLength(2)
    expect(sessions).toHaveLength(3)
  })

  test('does not send its running requests again: they are answered there, or their outcome is unknown', async () => {
    const once =
      (session: Played): Handler =>
      message => {
        if ('id' in message && message.id === 3) throw gone
        if ('id' in message && message.id === 1) session.say({ jsonrpc: '2.0', id: 7, method: 'roots/list' })
      }
    const { client, received, sessions, methods } = await place(once, lives)
    for (const id of [1, 2, 3]) await client.send(request(id))
    await expect
      .poll(() => received)
      .toEqual([
        { jsonrpc: '2.0', id: 7, method: 'roots/list' },
        {
          jsonrpc: '2.0',
          method: 'notifications/cancelled',
          params: { requestId: 7, reason: 'the session has ended' },
        },
        answer(3, { by: 's1' }),
      ])
    expect(methods(1)).toHaveLength(3)
    expect(sessions[0]?.isClosed).toBe(false)
    sessions[0]?.say(answer(1))
    sessions[0]?.onLost({ id: 2 })
    await expect
      .poll(() => received.slice(3))
      .toMatchObject([
        answer(1),
        { id: 2, error: { message: expect.stringContaining('it is unknown whether the server acted on the request') } },
      ])
    expect(sessions[0]?.isClosed).toBe(true)
    // What it was asked there is no answer here, even where the new session uses the same id.
    sessions[1]?.say({ jsonrpc: '2.0', id: 7, method: 'roots/list' })
    await client.send(answer(7, { roots: ['old'] }) as JSONRPCMessage)
    const asked = received.at(-1) as { readonly id: string }
    await client.send(answer(asked.id, { roots: ['new'] }) as JSONRPCMessage)
    await expect.poll(() => sessions[1]?.sent.at(-1)).toEqual(answer(7, { roots: ['new'] }))
    expect(sessions.flatMap(({ sent }) => sent).filter(message => 'result' in message)).toHaveLength(1)
  })
})

describe('a request that cannot be delivered', () => {
  test('gets an error that says why, without the link for a user', async () => {
    const link = 'https://auth.example/consent?request_token=secret'
    const failing = (): Handler => message => {
      if ('id' in message) throw new AgentError('interaction_required', 'a user must agree first', {}, link)
    }
    const { client, received } = await place(failing)
    await client.send(request(1))
    await expect
      .poll(() => received)
      .toEqual([
        {
          jsonrpc: '2.0',
          id: 1,
          error: { code: -32603, message: 'a user must agree first', data: { code: 'interaction_required' } },
        },
      ])
    expect(JSON.stringify(received)).not.toContain('secret')
  })

  test('fails when its stream ends before the answer or cannot be resumed, unless the answer is in the last bytes', async () => {
    const streams =
      (session: Played): Handler =>
      (message, options) => {
        if (!('id' in message)) return
        if (message.id === 2) options?.onresumptiontoken?.('event 2')
        setTimeout(() => session.onLost({ id: message.id ?? 0 }))
        if (message.id === 3) setTimeout(() => session.say(answer(3)), 10)
      }
    const { client, received, sessions } = await place(streams)
    for (const id of [1, 2, 3]) await client.send(request(id))
    await expect.poll(() => received.map(message => 'id' in message && message.id)).toEqual([3, 1])
    sessions[0]?.onLost({ lastEventId: 'event 2' })
    await expect.poll(() => received.map(message => 'id' in message && message.id)).toEqual([3, 1, 2])
    expect(received.map(message => 'error' in message)).toEqual([false, true, true])
  })

  test('gets no answer after it was cancelled', async () => {
    const late =
      (session: Played): Handler =>
      message => {
        if ('method' in message && message.method === 'notifications/cancelled') session.say(answer(1))
      }
    const { client, received, methods } = await place(late)
    await client.send(request(1))
    await client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await expect.poll(() => methods(0)).toContain('notifications/cancelled')
    expect(received).toEqual([])
  })
})

test('close tells the server, and closes both sides', async () => {
  const { between, client, sessions } = await place(lives)
  const closed = new Promise<void>(resolve => {
    client.onclose = resolve
  })
  await between.close()
  await closed
  expect([sessions[0]?.isTerminated, sessions[0]?.isClosed]).toEqual([true, true])
})
