import { verifies } from '@countersign/requirements'
import { mountFetch } from '@countersign/server'
import { beforeAll, expect, test } from 'vitest'
import { asAgent, type Signer } from '../../resource/src/world.test.fixture.js'
import { initialize, makeTools, messagesOf, openSession, rpc, type Tools } from './tools.test.fixture.js'

let tools: Tools
let as: Signer
let session: Readonly<Record<string, string>>
beforeAll(async () => {
  tools = await makeTools()
  as = asAgent(tools.world.agent)
  session = { 'mcp-session-id': await openSession(tools, as) }
})

const call = (name: string) => rpc('tools/call', { name }, 1)
const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
const echo = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'

test.each<readonly [what: string, body: string]>([
  ['a tool named twice: guard and server could read two', `${echo}{"name":"echo","name":"add"}}`],
  ['a tool named twice, once in disguise', `${echo}{"name":"echo","n\\u0061me":"add"}}`],
  ['params twice', `${echo}{"name":"echo"},"params":{"name":"add"}}`],
  ['a method twice', `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"add"}}`],
  ['a batch', `[${call('echo')}]`],
  ['an empty batch', '[]'],
  ['no JSON', '{'],
  ['nothing', ''],
  ['a byte order mark', `\ufeff${call('echo')}`],
  ['a text', '"tools/call"'],
  ['another version', call('echo').replace('2.0', '1.0')],
  ['a name that is none', `${echo}{"name":["echo"]}}`],
  ['no name', `${echo}{}}`],
  ['params that are a list', `${echo}["echo"]}`],
  ['a tool in a member that Go takes for the same', `${echo}{"name":"echo","Name":"add"}}`],
  ['params in such a member, by a long s', `${echo}{"name":"echo"},"param\u017f":{"name":"add"}}`],
  ['a method in such a member', '{"jsonrpc":"2.0","id":1,"METHOD":"tools/call","params":{"name":"add"}}'],
  [
    'a reference in such a member',
    rpc('completion/complete', { ref: { type: 'ref/prompt', name: 'a', Name: 'b' } }, 1),
  ],
  ['an id that is an object', call('echo').replace('"id":1', '"id":{}')],
  ['an id that is null', call('echo').replace('"id":1', '"id":null')],
  ['an id beyond what a number holds', call('echo').replace('"id":1', '"id":9007199254740993')],
  ['a method that is a number', call('echo').replace('"tools/call"', '1')],
  ['a reference of no kind', rpc('completion/complete', { ref: { type: 'ref/tool', name: 'add' } }, 1)],
  ['arguments nested too deep', `${echo}{"name":"echo","arguments":${deep(64)}}}`],
])(verifies('mcp.one-reading', '%s is 400, and no tool runs'), async (_, body) => {
  const refused = await tools.send(as, { body, headers: session })
  expect([refused.status, Object(await refused.json()).error]).toEqual([400, 'invalid_request'])
  expect(tools.calls).toEqual([])
  const twin = await tools.send(as, { body: call('echo'), headers: session })
  expect([twin.status, (await messagesOf(twin)).length]).toEqual([200, 1])
  expect(tools.calls.splice(0)).toHaveLength(1)
})

test(verifies('mcp.one-reading', 'the same bytes in another charset or coding could be another message'), async () => {
  for (const headers of [
    { 'content-type': 'application/json; charset=utf-7' },
    { 'content-type': 'application/json; charset=utf-8; charset=utf-16le' },
    { 'content-type': 'text/plain' },
    { 'content-encoding': 'br' },
  ]) {
    const refused = await tools.send(as, { body: call('echo'), headers: { ...session, ...headers } })
    expect([refused.status, Object(await refused.json()).error], JSON.stringify(headers)).toEqual([
      415,
      'invalid_request',
    ])
  }
  expect(tools.calls).toEqual([])
  const headers = { ...session, 'content-type': 'application/json;charset="UTF-8"' }
  expect((await messagesOf(await tools.send(as, { body: call('echo'), headers }))).length).toBe(1)
  expect(tools.calls.splice(0)).toHaveLength(1)
})

test('arguments that are nested, long and odd are the tool’s own affair', async () => {
  const body = `${echo}{"name":"echo","arguments":{"text":"${'x'.repeat(50_000)}\\u0000","more":${deep(50)}}}}`
  expect((await messagesOf(await tools.send(as, { body, headers: session })))[0]).toMatchObject({ id: 1 })
  expect(tools.calls.splice(0)).toHaveLength(1)
})

test('the method decides, and nothing else does', async () => {
  const put = await tools.send(as, { method: 'PUT', body: call('echo'), headers: session })
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE'])
  const plain = await tools.send(as, { body: call('echo'), headers: { ...session, accept: 'text/html' } })
  expect(plain.status).toBe(406)
  // What a GET brings is no message.
  const bodied = await tools.send(as, { method: 'GET', body: call('echo'), headers: session })
  await bodied.body?.cancel()
  expect([bodied.status, bodied.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  expect(tools.calls).toEqual([])
})

test('a session begins with initialize, without the id of another', async () => {
  expect((await tools.send(as, { body: call('echo') })).status).toBe(400)
  expect((await tools.send(as, { body: initialize, headers: session })).status).toBe(400)
  expect((await tools.send(undefined, { body: initialize })).status).toBe(401)
  const refused = await tools.send(as, { body: initialize, headers: { accept: 'text/plain' } })
  expect([refused.status, refused.headers.get('mcp-session-id')]).toEqual([406, null])
})

test('an id that is under way cannot be used again: one would get the answer of the other', async () => {
  let release = (): void => {}
  const waits = new Promise<void>(resolve => {
    release = resolve
  })
  const own = await makeTools({ tools: { '*': { level: 'identified' } } }, {}, tools.world)
  const headers = { 'mcp-session-id': await openSession(own, as) }
  own.servers.at(-1)?.registerTool('wait', {}, async () => {
    await waits
    return { content: [] }
  })
  const first = await own.send(as, { body: call('wait'), headers })
  const second = await own.send(as, { body: call('echo'), headers })
  expect([first.status, second.status, own.calls.length]).toEqual([200, 400, 0])
  release()
  expect(await messagesOf(first)).toMatchObject([{ id: 1 }])
  expect((await messagesOf(await own.send(as, { body: call('echo'), headers })))[0]).toMatchObject({ id: 1 })
})

test('an id that the transport did not take is not under way, and its refusal does not wait', async () => {
  const calling = await makeTools(undefined, { downstream: { acceptAuthServer: 'any' } }, tools.world)
  const headers = { 'mcp-session-id': await openSession(calling, as) }
  const began = performance.now()
  const refused = await calling.send(as, { body: call('echo'), headers: { ...headers, accept: 'text/html' } })
  expect([refused.status, performance.now() - began < 5000]).toEqual([406, true])
  const again = await calling.send(as, { body: call('echo'), headers })
  expect([again.status, (await messagesOf(again)).length]).toEqual([200, 1])
})

test('a request that is cancelled keeps nobody waiting', async () => {
  const calling = await makeTools(
    { tools: { '*': { level: 'identified' } } },
    { downstream: { acceptAuthServer: 'any' } },
    tools.world,
  )
  const headers = { 'mcp-session-id': await openSession(calling, as) }
  calling.servers.at(-1)?.registerTool('wait', {}, () => new Promise(() => {}))
  const began = performance.now()
  const waiting = calling.send(as, { body: call('wait'), headers })
  await new Promise(resolve => setTimeout(resolve, 50))
  await calling.send(as, { body: rpc('notifications/cancelled', { requestId: 1 }), headers })
  const response = await waiting
  expect([response.status, performance.now() - began < 5000]).toEqual([200, true])
  await response.body?.cancel()
})

test('of one session a thousand requests are under way at once, and no more', async () => {
  const own = await makeTools(
    { session: { level: 'anonymous' }, tools: { '*': { level: 'anonymous' } } },
    {},
    tools.world,
  )
  const headers = { 'mcp-session-id': await openSession(own, undefined) }
  own.servers.at(-1)?.registerTool('wait', {}, () => new Promise(() => {}))
  const ask = (id: number) => own.send(undefined, { body: rpc('tools/call', { name: 'wait' }, id), headers })
  const responses = await Promise.all(Array.from({ length: 1000 }, (_, id) => ask(id)))
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]))
  const more = await ask(1000)
  expect([more.status, more.headers.get('retry-after'), Object(await more.json()).error]).toEqual([
    ...[503, '5', 'temporarily_unavailable'],
  ])
  // One that is cancelled makes room.
  await own.send(undefined, { body: rpc('notifications/cancelled', { requestId: 7 }), headers })
  const last = await ask(1001)
  expect(last.status).toBe(200)
  await Promise.all([...responses, last].map(({ body }) => body?.cancel()))
})

test('a body beyond what the server takes is 413, and no tool runs', async () => {
  const own = await makeTools(
    { session: { level: 'anonymous' }, tools: { '*': { level: 'anonymous' } } },
    {},
    tools.world,
  )
  const mounted = mountFetch(own.participant, { bodyLimit: 10_000 })
  const post = (body: string, headers: Readonly<Record<string, string>>) =>
    mounted(
      new Request('https://calendar.example/mcp', {
        ...{ method: 'POST', body },
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      }),
    )
  const id = (await post(initialize, {}))?.headers.get('mcp-session-id') ?? ''
  const sized = (length: number): string => `${echo}{"name":"echo","arguments":{"text":"${'x'.repeat(length)}"}}}`
  expect((await post(sized(10_000), { 'mcp-session-id': id }))?.status).toBe(413)
  expect(own.calls).toEqual([])
  const fits = await post(sized(9000), { 'mcp-session-id': id })
  expect([fits?.status, (await messagesOf(fits as Response)).length, own.calls.length]).toEqual([200, 1, 1])
})
