import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createSessions } from '@countersign/mcp-sdk1/internal'
import { verifies } from '@countersign/requirements'
import { createResource } from '@countersign/resource'
import type { Signer } from '@countersign/testing/world/signer'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { beforeAll, expect, test } from 'vitest'
import { createCheck, type GatewayRoute } from './index.js'
import { mcpSessions } from './mcp-enter.js'
import { mcpJudge } from './mcp-route.js'
import { call, stage, valuesOf } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

const routes: ReadonlyArray<GatewayRoute<'read'>> = [
  { path: '/*', requirement: { level: 'anonymous' } },
  {
    path: '/mcp',
    requirement: { level: 'identified' },
    mcp: { tools: { look: { level: 'identified' }, read: { scope: 'read' } }, resources: { '*': { scope: 'read' } } },
  },
]

/** An MCP server of few words: a session for each that begins, and streams that stay open. */
function answer(incoming: IncomingMessage, response: ServerResponse, body: string): void {
  if (incoming.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: open\n\n')
    return
  }
  const { method, id } = body === '' ? { method: '', id: 0 } : JSON.parse(body)
  if (method === 'initialize') response.setHeader('mcp-session-id', `session-${++begun}`)
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
}
let begun = 0

const rpc = (method: string, params: object = {}): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
const headersOf = (id?: string, type = 'application/json'): Array<[string, string]> => [
  ['content-type', type],
  ...(id === undefined ? [] : [['mcp-session-id', id] as [string, string]]),
]

async function running() {
  const { port, upstream } = await start(answer, routes)
  const send = async (as: Signer, body: string, id?: string, more: { method?: string; type?: string } = {}) => {
    const covered = id === undefined ? [] : ['mcp-session-id']
    const method = more.method ?? 'POST'
    const hasBody = body !== ''
    const headers = hasBody ? headersOf(id, more.type) : headersOf(id).slice(1)
    const signed = await world.sign({
      as,
      method,
      target: '/mcp',
      headers,
      additionalComponents: covered,
      ...(hasBody ? { body } : {}),
    })
    return call(port, { method, target: '/mcp', headers: signed, ...(hasBody ? { body } : {}) })
  }
  const open = async (as: Signer): Promise<string> =>
    String((await send(as, rpc('initialize'))).headers['mcp-session-id'])
  return { port, upstream, send, open }
}

test(
  verifies(
    'mcp.subject-decides',
    'the tool that a message names decides, and a server that knows nothing of it gets the very bytes',
  ),
  async () => {
    const { send, open, upstream } = await running()
    const id = await open(world.agent)
    const odd = ' {"jsonrpc":"2.0", "id":1,"method":"tools/call",\n"params":{"name":"look"}}'
    expect((await send(world.agent, odd, id)).status).toBe(200)
    expect(upstream.seen.at(-1)?.body).toBe(odd)
    expect(valuesOf(upstream.seen.at(-1), 'aauth-agent')).toEqual(['https://agent.example'])
    const refused = await send(world.agent, rpc('tools/call', { name: 'read' }), id)
    expect([refused.status, refused.headers['agent-auth']]).toEqual([
      401,
      expect.stringMatching(/^httpsig; auth-token; /),
    ])
    const holder = await world.holder({ sub: 'alice' })
    const own = await open(holder)
    expect((await send(holder, rpc('tools/call', { name: 'read' }), own)).status).toBe(200)
    expect((await send(world.agent, rpc('resources/read', { uri: 'file:///x' }), id)).status).toBe(401)
    expect((await send(world.agent, rpc('tools/call', { name: 'other' }), id)).status).toBe(403)
    expect((await send(world.stranger, rpc('tools/call', { name: 'look' }))).status).toBe(401)
    expect(upstream.seen.map(({ body }) => JSON.parse(body).method)).toEqual([
      'initialize',
      'tools/call',
      'initialize',
      'tools/call',
    ])
  },
)

test(verifies('mcp.one-reading', 'a message that two parsers could read differently never arrives'), async () => {
  const { send, open, upstream } = await running()
  const id = await open(world.agent)
  const before = upstream.seen.length
  for (const body of [
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look","name":"read"}}',
    `[${rpc('tools/call', { name: 'look' })}]`,
    rpc('tools/call', { name: 'constructor' }),
    '{',
  ])
    expect((await send(world.agent, body, id)).status, body).toBe(400)
  const put = await send(world.agent, rpc('tools/call', { name: 'read' }), id, { method: 'PUT' })
  expect([put.status, JSON.parse(put.body)]).toMatchObject([400, { error: { data: { reason: 'rpc_malformed' } } }])
  // In UTF-7, which Express takes, this calls a tool.
  const utf7 = Buffer.from('","method":"tools/call","params":{"name":"read"},"y":"', 'utf16le').swap16()
  const ping = `{"jsonrpc":"2.0","id":1,"method":"ping","x":"+${utf7.toString('base64').replace(/=+$/, '')}-"}`
  expect((await send(world.agent, ping, id, { type: 'application/json; charset=utf-7' })).status).toBe(415)
  expect(upstream.seen).toHaveLength(before)
})

test(
  verifies('mcp.session-owner', 'a session is of who opened it, until they end it, also after a reload'),
  async () => {
    const { send, open, upstream } = await running()
    const id = await open(world.agent)
    const ping = rpc('ping')
    const holder = await world.holder({ sub: 'alice', delegate: 'phone' })
    expect([(await send(world.agent, ping, id)).status, (await send(holder, ping, id)).status]).toEqual([200, 404])
    const invented = await send(world.agent, ping, 'invented')
    expect([invented.status, JSON.parse(invented.body)]).toMatchObject([
      404,
      { error: { data: { reason: 'session_unknown' } } },
    ])
    const second = await send(world.agent, rpc('initialize'), id)
    expect([second.status, JSON.parse(second.body)]).toMatchObject([400, { reason: 'session_id_invalid' }])
    expect((await send(holder, '', id, { method: 'DELETE' })).status).toBe(404)
    expect((await send(world.agent, '', id, { method: 'DELETE' })).status).toBe(200)
    expect((await send(world.agent, ping, id)).status).toBe(404)
    expect(upstream.seen).toHaveLength(3)
  },
)

test('a server that gives the same id to two callers gives neither the session of the other', async () => {
  const { port, upstream } = await start((_, response, body) => {
    const { id } = JSON.parse(body)
    response.setHeader('mcp-session-id', 'same').setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
  }, routes)
  const send = async (as: Signer, body: string, own: Array<[string, string]> = []) => {
    const additionalComponents = own.map(([name]) => name)
    const headers = [...headersOf(), ...own]
    const signed = await world.sign({ as, method: 'POST', target: '/mcp', headers, additionalComponents, body })
    return call(port, { method: 'POST', target: '/mcp', headers: signed, body })
  }
  const holder = await world.holder({ sub: 'alice', delegate: 'phone' })
  const same: Array<[string, string]> = [['mcp-session-id', 'same']]
  expect((await send(world.agent, rpc('initialize'))).status).toBe(200)
  const full = await send(holder, rpc('initialize'))
  expect([full.status, JSON.parse(full.body)]).toMatchObject([503, { reason: 'capacity_exceeded' }])
  expect((await send(world.agent, rpc('initialize'))).status).toBe(200)
  expect([(await send(world.agent, rpc('ping'), same)).status, (await send(holder, rpc('ping'), same)).status]).toEqual(
    [200, 404],
  )
  // Servers that make a variable of each header take one for the other.
  const before = upstream.seen.length
  const underscored = await send(holder, rpc('ping'), [['mcp_session_id', 'same']])
  expect([underscored.status, JSON.parse(underscored.body)]).toMatchObject([400, { reason: 'header_ambiguous' }])
  expect(upstream.seen).toHaveLength(before)
})

test('a session that its server gives to the caller again takes one place, and keeps its streams', async () => {
  const now = () => Date.now() / 1000
  const sessions = createSessions<undefined>({ sessions: 2, perCaller: 1, idle: 3600, end: () => undefined, now })
  const { judge } = mcpJudge(world.resource, { path: '/mcp', rules: {}, components: [] }, { sessions, now })
  const enter = async (id: string, body?: string): Promise<Response | undefined> => {
    const about = body === undefined ? [['mcp-session-id', id] as [string, string]] : headersOf()
    const fields = { as: world.agent, method: body === undefined ? 'GET' : 'POST', target: '/mcp', headers: about }
    const covered = { additionalComponents: body === undefined ? ['mcp-session-id'] : [] }
    const headers = await world.sign({ ...fields, ...covered, ...(body === undefined ? {} : { body }) })
    const sent = { method: fields.method, target: '/mcp', headers, ...(body && { body: Buffer.from(body) }) }
    const { through } = await judge(sent)
    const type = body === undefined ? 'text/event-stream' : 'application/json'
    return through?.(new Response(new ReadableStream(), { headers: { 'mcp-session-id': id, 'content-type': type } }))
  }
  await enter('one', rpc('initialize'))
  const stream = await enter('one')
  await enter('one', rpc('initialize'))
  expect(sessions.size).toBe(1)
  // The one place is taken by a session in use: a second session gets none, and does not end the first.
  await expect(enter('two', rpc('initialize'))).rejects.toThrow('no room left: sessions')
  expect([...sessions.all()].map(({ id }) => id)).toEqual(['["/mcp","one"]'])
  await stream?.body?.cancel()
  await enter('two', rpc('initialize'))
  expect([...sessions.all()].map(({ id }) => id)).toEqual(['["/mcp","two"]'])
})

test('a session that gets no room ends no process, also where the server breaks off its answer', async () => {
  const now = () => Date.now() / 1000
  const sessions = mcpSessions(now)
  sessions.add('["/mcp","same"]', undefined, { agent: 'https://other.example' })
  const route = { path: '/mcp', rules: {}, components: [] }
  const { judge } = mcpJudge(world.resource, route, { sessions, now })
  const body = rpc('initialize')
  const headers = await world.sign({ as: world.agent, method: 'POST', target: '/mcp', headers: headersOf(), body })
  const { through } = await judge({ method: 'POST', target: '/mcp', headers, body: Buffer.from(body) })
  const broken = new ReadableStream({ start: controller => controller.error(new Error('reset')) })
  // A rejection that nobody handles fails the run.
  expect(() => through?.(new Response(broken, { headers: { 'mcp-session-id': 'same' } }))).toThrow(/no room/)
  await new Promise(resolve => setTimeout(resolve, 10))
})

/** Of a stream that is left at once. */
function streamStatus(port: number, headers: ReadonlyArray<readonly [string, string]>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: '/mcp', headers: headers.flat(), setHost: false })
    outgoing.on('error', reject)
    outgoing.on('response', response => {
      response.destroy()
      resolve(response.statusCode)
    })
    outgoing.end()
  })
}

test(
  verifies('mcp.stream-end', 'a stream ends with the token that opened it, though the server would keep it open'),
  async () => {
    const { port, send, open } = await running()
    const brief = await world.holder({ sub: 'alice', seconds: 2 })
    const id = await open(brief)
    const headers = await world.sign({
      as: brief,
      target: '/mcp',
      headers: [['mcp-session-id', id]],
      additionalComponents: ['mcp-session-id'],
    })
    const began = performance.now()
    const stream = await call(port, { target: '/mcp', headers })
    expect([stream.status, stream.body, stream.complete]).toEqual([200, 'data: open\n\n', true])
    expect(performance.now() - began).toBeLessThan(4000)
    expect((await send(brief, rpc('ping'), id)).status).toBe(401)
  },
)

test(
  verifies(
    'mcp.once',
    'mcp.covered',
    'each message passes once, each stream is opened once, and whose session it is is signed',
  ),
  async () => {
    const { port, upstream, open } = await running()
    const id = await open(world.agent)
    const session: Array<[string, string]> = [['mcp-session-id', id]]
    const ping = { method: 'POST', target: '/mcp', body: rpc('ping') }
    const posted = { ...ping, headers: [...headersOf(), ...session] }
    const signed = await world.sign({ as: world.agent, ...posted, additionalComponents: ['mcp-session-id'] })
    const twice = [await call(port, { ...ping, headers: signed }), await call(port, { ...ping, headers: signed })]
    expect(twice.map(({ status }) => status)).toEqual([200, 401])
    expect(JSON.parse(twice[1]?.body ?? '').error).toBe('replay_detected')

    const fields = { as: world.agent, target: '/mcp', headers: session, additionalComponents: ['mcp-session-id'] }
    const get = await world.sign(fields)
    expect([await streamStatus(port, get), await streamStatus(port, get)]).toEqual([200, 401])
    const before = upstream.seen.length
    const uncovered = await world.sign({ as: world.agent, ...posted })
    const refused = await call(port, { ...ping, headers: uncovered })
    expect([refused.status, JSON.parse(refused.body).error]).toEqual([401, 'invalid_signature'])
    expect(upstream.seen).toHaveLength(before)
  },
)

test('a message that is too deep or too large never arrives', async () => {
  const { send, open, upstream } = await running()
  const id = await open(world.agent)
  const deep = (levels: number): string =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look","arguments":${'['.repeat(levels)}${']'.repeat(levels)}}}`
  const before = upstream.seen.length
  expect((await send(world.agent, deep(64), id)).status).toBe(400)
  const large = (length: number): string => rpc('tools/call', { name: 'look', arguments: { text: 'x'.repeat(length) } })
  expect((await send(world.agent, large(1_100_000), id)).status).toBe(413)
  expect(upstream.seen).toHaveLength(before)
  expect((await send(world.agent, deep(60), id)).status).toBe(200)
  expect((await send(world.agent, large(1_000_000), id)).status).toBe(200)
})

test(verifies('mcp.origin', 'a page of another site calls nothing, also where no signature is asked'), async () => {
  const { port, upstream } = await start(answer, [{ path: '/mcp', requirement: { level: 'anonymous' }, mcp: {} }])
  const from = (origin: string) => {
    const headers: Array<[string, string]> = [['host', 'api.example'], ['origin', origin], ...headersOf()]
    return call(port, { method: 'POST', target: '/mcp', headers, body: rpc('initialize') })
  }
  const foreign = await from('https://evil.example')
  expect([foreign.status, JSON.parse(foreign.body)]).toMatchObject([403, { reason: 'origin_not_allowed' }])
  expect(upstream.seen).toHaveLength(0)
  expect((await from('https://api.example')).status).toBe(200)
})

test('a check refuses routes of MCP servers, since it sees no message', () => {
  const resource = createResource({ ...world.settings, replay: startedReplaySet() })
  expect(() => createCheck({ resource, routes, proxy: 'envoy', bodies: 'seen' })).toThrow(/message names/)
})
