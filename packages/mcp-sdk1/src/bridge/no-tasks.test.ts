import { expect, test } from 'vitest'
import { type Message, meta, played } from './played.test.fixture.js'

// Tasks are part of revision 2025-11-25, and another thing in an extension of 2026-07-28: between revisions there are none.

const extension = 'io.modelcontextprotocol/tasks'
const extensions = { [extension]: {} }
const oldTasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
const tools = [
  { name: 'report', inputSchema: { type: 'object' }, execution: { taskSupport: 'optional', other: 1 } },
  { name: 'plain', inputSchema: { type: 'object' }, execution: { taskSupport: 'required' } },
]
const listed = [
  { name: 'report', inputSchema: { type: 'object' }, execution: { other: 1 } },
  { name: 'plain', inputSchema: { type: 'object' } },
]
const methods = ['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel', 'tasks/update']
const refused = (id: unknown, method: unknown) => ({
  jsonrpc: '2.0',
  id,
  error: {
    code: -32_601,
    message: `${method}: client and server speak different revisions of MCP, between which this bridge translates no tasks`,
  },
})

test('an old client of a new server hears of no tasks, its calls have none, and what is about them is refused', async () => {
  const place = await played('old', ({ method }) => {
    const capabilities = { tools: {}, extensions }
    if (method === 'server/discover') return { result: { supportedVersions: ['2026-07-28'], capabilities } }
    if (method === 'tools/list') return { result: { resultType: 'complete', tools } }
    return method === 'tools/call' ? { result: { resultType: 'complete', content: [] } } : undefined
  })
  const { received, sent, say, tell, greeting } = place
  expect(greeting).toMatchObject({ result: { capabilities: { tools: {} } } })
  expect(Object.keys(Object(greeting?.['result']).capabilities)).toEqual(['tools'])
  say({ id: 1, method: 'tools/list' })
  await expect.poll(() => received).toEqual([{ jsonrpc: '2.0', id: 1, result: { tools: listed } }])
  say({ id: 2, method: 'tools/call', params: { name: 'report', task: { ttl: 1000 } } })
  await expect.poll(() => received[1]).toEqual({ jsonrpc: '2.0', id: 2, result: { content: [] } })
  const call = sent.find(({ method }) => method === 'tools/call')
  expect(Object.keys(Object(call?.['params']))).toEqual(['name', '_meta'])
  const { _meta: envelope } = Object(call?.['params'])
  expect(envelope['io.modelcontextprotocol/clientCapabilities']).toEqual({ elicitation: {} })
  const before = sent.length
  for (const [at, method] of methods.entries()) say({ id: `t${at}`, method, params: { taskId: 'one' } })
  await expect.poll(() => received.slice(2)).toEqual(methods.map((method, at) => refused(`t${at}`, method)))
  expect(sent).toHaveLength(before)
  tell({ method: 'notifications/tasks/status', params: { taskId: 'one', status: 'working' } })
  tell({ method: 'notifications/tools/list_changed' })
  await expect.poll(() => received.at(-1)).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
  expect(received).toHaveLength(2 + methods.length + 1)
})

test('a task that a new server begins unasked is an error for the old client, which could not go on with it', async () => {
  const { received, say } = await played('old', ({ method }) => {
    if (method === 'server/discover') return { result: { supportedVersions: ['2026-07-28'], capabilities: {} } }
    return method === 'tools/call' ? { result: { resultType: 'task', taskId: 'one', status: 'working' } } : undefined
  })
  say({ id: 1, method: 'tools/call', params: { name: 'report' } })
  await expect
    .poll(() => received)
    .toMatchObject([
      { id: 1, error: { message: 'the server answered with a kind of result that the client does not know' } },
    ])
})

test('a new client of an old server hears of no tasks, its calls have none, and what is about them is refused', async () => {
  const { received, sent, say, tell } = await played('new', ({ method }) => {
    const capabilities = { tools: {}, tasks: oldTasks }
    const serverInfo = { name: 's', version: '1' }
    if (method === 'initialize') return { result: { protocolVersion: '2025-11-25', capabilities, serverInfo } }
    if (method === 'server/discover') return { error: { code: -32_601, message: 'unknown' } }
    if (method === 'tools/list') return { result: { tools } }
    return method === 'tools/call' ? { result: { content: [] } } : undefined
  })
  const client = { elicitation: { form: {} }, extensions, tasks: oldTasks }
  const _meta = { ...meta, 'io.modelcontextprotocol/clientCapabilities': client }
  say({ id: 1, method: 'server/discover', params: { _meta } })
  await expect.poll(() => received).toMatchObject([{ id: 1, result: { capabilities: { tools: {} } } }])
  expect(Object.keys(Object(received[0]?.['result']).capabilities)).toEqual(['tools'])
  const hello: Message | undefined = sent.find(({ method }) => method === 'initialize')
  expect(Object(hello?.['params']).capabilities).toEqual({ elicitation: { form: {} } })
  say({ id: 2, method: 'tools/list', params: { _meta } })
  await expect.poll(() => received[1]).toMatchObject({ id: 2, result: { tools: listed } })
  expect(Object(received[1]?.['result']).tools).toEqual(listed)
  say({ id: 3, method: 'tools/call', params: { name: 'report', task: { ttl: 1000 }, _meta } })
  await expect.poll(() => received[2]).toMatchObject({ id: 3, result: { content: [] } })
  expect(sent.find(({ method }) => method === 'tools/call')?.['params']).toEqual({ name: 'report' })
  const before = sent.length
  for (const [at, method] of methods.entries()) say({ id: `t${at}`, method, params: { taskId: 'one', _meta } })
  await expect.poll(() => received.slice(3)).toEqual(methods.map((method, at) => refused(`t${at}`, method)))
  expect(sent).toHaveLength(before)
  // Nor can the server look after tasks of the client, or tell of its own.
  tell({ method: 'notifications/tasks/status', params: { taskId: 'one', status: 'working' } })
  tell({ id: 'look', method: 'tasks/get', params: { taskId: 'one' } })
  await expect.poll(() => sent.at(-1)).toMatchObject({ id: 'look', error: { code: -32_601 } })
  expect(received).toHaveLength(3 + methods.length)
})

test('a question of an old server as a task is asked as a plain one', async () => {
  const { received, sent, say, tell } = await played('new', ({ method }) => {
    const serverInfo = { name: 's', version: '1' }
    if (method === 'initialize') return { result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo } }
    return method === 'server/discover' ? { error: { code: -32_601, message: 'unknown' } } : undefined
  })
  say({ id: 1, method: 'tools/call', params: { name: 'pay', _meta: meta } })
  await expect.poll(() => sent.map(({ method }) => method)).toContain('tools/call')
  const asked = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } }
  tell({ id: 'q', method: 'elicitation/create', params: { ...asked, task: { ttl: 1000 } } })
  await expect
    .poll(() => Object(received[0]?.['result']).inputRequests)
    .toEqual({ 0: { method: 'elicitation/create', params: asked } })
})

test('between equals what is about tasks passes unchanged', async () => {
  const { received, sent, say } = await played('new', ({ method }) => {
    const capabilities = { extensions }
    if (method === 'server/discover') return { result: { supportedVersions: ['2026-07-28'], capabilities } }
    return method === 'tasks/get' ? { result: { resultType: 'complete', taskId: 'one', status: 'working' } } : undefined
  })
  const request = { jsonrpc: '2.0', id: 1, method: 'tasks/get', params: { taskId: 'one', _meta: meta } }
  say(request)
  await expect.poll(() => received).toMatchObject([{ id: 1, result: { taskId: 'one', status: 'working' } }])
  expect(sent).toEqual([request])
})
