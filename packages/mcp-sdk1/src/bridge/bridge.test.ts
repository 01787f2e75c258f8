import {
  CallToolRequestSchema,
  CancelledNotificationSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  type JSONRPCMessage,
  ListRootsRequestSchema,
  ListToolsRequestSchema,
  LoggingMessageNotificationSchema,
  RootsListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import { bridged } from './bridge.test.fixture.js'

const call = (name: string): { name: string } => ({ name })
const said = (text: string): { content: [{ type: 'text'; text: string }] } => ({ content: [{ type: 'text', text }] })

test('a client initializes the server through the bridge, whose transport gets the negotiated version', async () => {
  const { client, server, versions, sent, connect } = bridged({ roots: { listChanged: true } })
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [{ name: 'add', inputSchema: { type: 'object' } }],
  }))
  await connect()
  expect(client.getServerVersion()).toMatchObject({ name: 'server' })
  expect(server.getClientVersion()).toMatchObject({ name: 'client' })
  expect(server.getClientCapabilities()).toEqual({ roots: { listChanged: true } })
  expect(versions).toEqual(['2025-11-25'])
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['add'])
  expect(sent.map(message => 'method' in message && message.method)).toEqual([
    'initialize',
    'notifications/initialized',
    'tools/list',
  ])
})

test('notifications pass both ways', async () => {
  const { client, server, connect } = bridged({ roots: { listChanged: true } })
  const heard: unknown[] = []
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params.data))
  server.setNotificationHandler(RootsListChangedNotificationSchema, () => void heard.push('roots'))
  await connect()
  await server.sendLoggingMessage({ level: 'info', data: 'hello' })
  await client.sendRootsListChanged()
  await expect.poll(() => heard).toEqual(['hello', 'roots'])
})

test('progress reaches the request it belongs to', async () => {
  const { client, server, connect } = bridged()
  server.setRequestHandler(CallToolRequestSchema, async (_, { _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken ?? 'none'
    for (const progress of [1, 2])
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 2 } })
    return said('done')
  })
  await connect()
  const seen: number[] = []
  const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress)
  expect(await client.callTool(call('slow'), undefined, { onprogress })).toEqual(said('done'))
  expect(seen).toEqual([1, 2])
})

test("progress of the server's requests reaches the server", async () => {
  const { client, server, connect } = bridged({ sampling: {} })
  client.setRequestHandler(CreateMessageRequestSchema, async (_, { _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken ?? 'none'
    for (const progress of [1, 2])
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 2 } })
    return { model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } }
  })
  await connect()
  const seen: number[] = []
  const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress)
  expect(await server.createMessage({ messages: [], maxTokens: 1 }, { onprogress })).toMatchObject({ model: 'm' })
  expect(seen).toEqual([1, 2])
})

test('a request that the client cancels is cancelled at the server', async () => {
  const { client, server, connect, received } = bridged()
  let aborted = false
  server.setRequestHandler(CallToolRequestSchema, async (_, { signal }) => {
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    aborted = true
    return said('too late')
  })
  await connect()
  const stop = new AbortController()
  const result = client.callTool(call('slow'), undefined, { signal: stop.signal })
  setTimeout(() => stop.abort('enough'))
  await expect(result).rejects.toThrow('enough')
  await expect.poll(() => aborted).toBe(true)
  expect(received.filter(message => 'id' in message && message.id === 1)).toEqual([])
})

test('a request that the server cancels is cancelled at the client', async () => {
  const { client, server, connect } = bridged({ sampling: {} })
  let [began, aborted] = [false, false]
  client.setRequestHandler(CreateMessageRequestSchema, async (_, { signal }) => {
    began = true
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    aborted = true
    throw new Error('cancelled')
  })
  await connect()
  // The SDK's client overlooks that a request with the id 0 is cancelled.
  await server.ping()
  const stop = new AbortController()
  const asked = server.createMessage({ messages: [], maxTokens: 1 }, { signal: stop.signal })
  asked.catch(() => undefined)
  await expect.poll(() => began).toBe(true)
  stop.abort('enough')
  await expect(asked).rejects.toThrow('enough')
  await expect.poll(() => aborted).toBe(true)
})

test('sampling and elicitation during a call keep their ids on both sides', async () => {
  const { client, server, connect, sent, received } = bridged({ sampling: {}, elicitation: { form: {} } })
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: 'm',
    role: 'assistant',
    content: { type: 'text', text: 'sampled' },
  }))
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada' } }))
  server.setRequestHandler(CallToolRequestSchema, async () => {
    const [sampled, { content }] = await Promise.all([
      server.createMessage({ messages: [], maxTokens: 1 }),
      server.elicitInput({
        mode: 'form',
        message: 'Who?',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
      }),
    ])
    return said(JSON.stringify([sampled.content, content]))
  })
  await connect()
  const calls = await Promise.all([client.callTool(call('ask')), client.callTool(call('ask'))])
  for (const result of calls)
    expect(result).toEqual(said(JSON.stringify([{ type: 'text', text: 'sampled' }, { name: 'Ada' }])))
  const ids = (messages: readonly JSONRPCMessage[]): unknown[] =>
    messages.filter(message => 'method' in message && 'id' in message).map(message => 'id' in message && message.id)
  expect(ids(sent)).toEqual([0, 1, 2])
  expect(ids(received)).toEqual([0, 1, 2, 3])
})

test('errors of one side reach the other side as answers', async () => {
  const { client, server, connect } = bridged({ roots: {} })
  client.setRequestHandler(ListRootsRequestSchema, () => {
    throw new Error('no roots today')
  })
  server.setRequestHandler(CallToolRequestSchema, async () => {
    await expect(server.listRoots()).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining('no roots today'),
    })
    throw new Error('no tools today')
  })
  await connect()
  await expect(client.callTool(call('any'))).rejects.toMatchObject({
    code: -32603,
    message: expect.stringContaining('no tools today'),
  })
})

test('when one side closes, the bridge closes the other', async () => {
  const one = bridged()
  await one.connect()
  const serverClosed = new Promise<void>(resolve => {
    one.server.onclose = resolve
  })
  await one.client.close()
  await Promise.all([serverClosed, one.between.closed])
  const other = bridged()
  other.server.setRequestHandler(CallToolRequestSchema, () => new Promise(() => undefined))
  await other.connect()
  const pending = other.client.callTool(call('any'))
  setTimeout(() => void other.server.close())
  await expect(pending).rejects.toThrow('it is unknown whether the server acted on the request')
  await other.between.closed
  expect([one.errors, other.errors]).toEqual([[], []])
})

test('the answer to a question of the bridge does not reach the server', async () => {
  const { client, server, between, connect, sent, received } = bridged({ elicitation: { url: {} }, roots: {} })
  const asked: unknown[] = []
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params)
    return { action: 'accept' }
  })
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }))
  expect(between.getClientCapabilities()).toBeUndefined()
  await connect()
  await expect.poll(() => between.getClientCapabilities()).toEqual({ elicitation: { url: {} } })
  const params = { mode: 'url', elicitationId: 'e1', url: 'https://auth.example/', message: 'Please' } as const
  const [result, { roots }] = await Promise.all([between.elicitInput(params), server.listRoots()])
  expect([result, roots, asked]).toEqual([{ action: 'accept' }, [], [params]])
  expect(sent.map(message => ('result' in message ? message.result : undefined)).filter(Boolean)).toEqual([
    { roots: [] },
  ])
  const own = received.find(message => 'method' in message && message.method === 'elicitation/create')
  expect(own).toMatchObject({ id: expect.stringMatching(/^countersign-[\w-]{43}$/) })
  // An answered id belongs to no question.
  const before = sent.length
  await client.transport?.send({ jsonrpc: '2.0', id: (own as { id: string }).id, result: {} })
  await client.ping()
  expect(sent.slice(before).map(message => 'method' in message && message.method)).toEqual(['ping'])
})

test('a question of the bridge that has ended is withdrawn from the client', async () => {
  const { client, between, connect, received } = bridged({ elicitation: { url: {} } })
  let aborted = false
  client.setRequestHandler(ElicitRequestSchema, async (_, { signal }) => {
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    aborted = true
    return { action: 'cancel' }
  })
  await connect()
  const over = new AbortController()
  const params = { mode: 'url', elicitationId: 'e1', url: 'https://auth.example/', message: 'Please' } as const
  const result = between.elicitInput(params, { signal: over.signal })
  setTimeout(() => over.abort(new Error('over')))
  await expect(result).rejects.toThrow('over')
  await expect.poll(() => aborted).toBe(true)
  expect(received.some(message => CancelledNotificationSchema.safeParse(message).success)).toBe(true)
})
