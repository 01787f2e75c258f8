import { verifies } from '@countersign/requirements'
import { mountFetch } from '@countersign/server'
import { asAgent, type Signer } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
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
  ['a name that is not a string', `${echo}{"name":["echo"]}}`],
  ['no name', `${echo}{}}`],
  ['params that are a list', `${echo}["echo"]}`],
  ['a tool in a member that Go reads as the same', `${echo}{"name":"echo","Name":"add"}}`],
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
  expect(refused.status).toBe(400)
  expect(await refused.json()).toMatchObject({ error: 'invalid_request', reason: 'rpc_malformed' })
  expect(tools.calls).toEqual([])
  const twin = await tools.send(as, { body: call('echo'), headers: session })
  expect([twin.status, (await messagesOf(twin)).length]).toEqual([200, 1])
  expect(tools.calls.splice(0)).toHaveLength(1)
})

test(
  verifies('mcp.one-reading', 'a charset or content coding in which the bytes could be another message is refused'),
  async () => {
    for (const headers of [
      { 'content-type': 'application/json; charset=utf-7' },
      { 'content-type': 'application/json; charset=utf-8; charset=utf-16le' },
      { 'content-type': 'text/plain' },
      { 'content-encoding': 'br' },
    ]) {
      const refused = await tools.send(as, { body: call('echo'), headers: { ...session, ...headers } })
      expect([refused.status, await refused.json()], JSON.stringify(headers)).toMatchObject([
        415,
        { error: 'invalid_request', reason: 'content_type_unsupported' },
      ])
    }
    expect(tools.calls).toEqual([])
    const headers = { ...session, 'content-type': 'application/json;charset="UTF-8"' }
    expect((await messagesOf(await tools.send(as, { body: call('echo'), headers }))).length).toBe(1)
    expect(tools.calls.splice(0)).toHaveLength(1)
  },
)

test('nested, long and odd arguments reach the tool unchanged', async () => {
  const body = `${echo}{"name":"echo","arguments":{"text":"${'x'.repeat(50_000)}\\u0000","more":${deep(50)}}}}`
  expect((await messagesOf(await tools.send(as, { body, headers: session })))[0]).toMatchObject({ id: 1 })
  expect(tools.calls.splice(0)).toHaveLength(1)
})

test('the HTTP method alone decides how a request is handled', async () => {
  const put = await tools.send(as, { method: 'PUT', body: call('echo'), headers: session })
  expect([put.status, put.headers.get('allow'), await put.json()]).toMatchObject([
    405,
    'GET, POST, DELETE',
    { reason: 'method_not_allowed' },
  ])
  const elsewhere = await tools.send(as, { body: call('echo'), headers: session, target: '/elsewhere' })
  expect([elsewhere.status, await elsewhere.json()]).toMatchObject([404, { reason: 'path_unknown' }])
  const plain = await tools.send(as, { body: call('echo'), headers: { ...session, accept: 'text/html' } })
  expect(plain.status).toBe(406)
  // The body of a GET is not a message.
  const bodied = await tools.send(as, { method: 'GET', body: call('echo'), headers: session })
  await bodied.body?.cancel()
  expect([bodied.status, bodied.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  expect(tools.calls).toEqual([])
})

test('a session begins with an initialize that has no session id', async () => {
  for (const ask of [{ body: call('echo') }, { body: initialize, headers: session }]) {
    const refused = await tools.send(as, ask)
    expect([refused.status, await refused.json()]).toMatchObject([400, { reason: 'session_id_invalid' }])
  }
  expect((await tools.send(undefined, { body: initialize })).status).toBe(401)
  const refused = await tools.send(as, { body: initialize, headers: { accept: 'text/plain' } })
  expect([refused.status, refused.headers.get('mcp-session-id')]).toEqual([406, null])
})

test('the id of a running request cannot be used again: one request would get the answer of the other', async () => {
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
  expect(await second.json()).toMatchObject({ error: 'invalid_request', reason: 'rpc_id_in_use' })
  release()
  expect(await messagesOf(first)).toMatchObject([{ id: 1 }])
  expect((await messagesOf(await own.send(as, { body: call('echo'), headers })))[0]).toMatchObject({ id: 1 })
})

test('a request that the transport refused is not running, and its refusal is not delayed', async () => {
  const calling = await makeTools(undefined, { downstream: { acceptAuthServer: 'any' } }, tools.world)
  const headers = { 'mcp-session-id': await openSession(calling, as) }
  const began = performance.now()
  const refused = await calling.send(as, { body: call('echo'), headers: { ...headers, accept: 'text/html' } })
  expect([refused.status, performance.now() - began < 5000]).toEqual([406, true])
  const again = await calling.send(as, { body: call('echo'), headers })
  expect([again.status, (await messagesOf(again)).length]).toEqual([200, 1])
})

test('a cancelled request is not waited for', async () => {
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

test('one session has at most a thousand running requests', async () => {
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
  expect([more.status, more.headers.get('retry-after'), await more.json()]).toMatchObject([
    503,
    '5',
    { error: 'temporarily_unavailable', reason: 'capacity_exceeded' },
  ])
  // A cancelled request makes room.
  await own.send(undefined, { body: rpc('notifications/cancelled', { requestId: 7 }), headers })
  const last = await ask(1001)
  expect(last.status).toBe(200)
  await Promise.all([...responses, last].map(({ body }) => body?.cancel()))
})

test('a body over the limit is 413, and no tool runs', async () => {
  const own = await makeTools(
    { session: { level: 'anonymous' }, tools: { '*': { level: 'anonymous' } } },
    {},
    tools.world,
  )
  const mounted = mountFetch(own.participant, { bodyLimit: 10_000 })
  const post = (body: string, headers: Readonly<Record<string, string>>) =>
    mounted(
      new Request('https://calendar.example/mcp', {
        method: 'POST',
        body,
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
