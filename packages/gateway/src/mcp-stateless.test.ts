import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { verifies } from '@countersign/requirements'
import { createResource, type ResourceEvent } from '@countersign/resource'
import type { Signer } from '@countersign/testing/world/signer'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { beforeAll, describe, expect, test } from 'vitest'
import type { GatewayRoute } from './index.js'
import { call, stage, valuesOf } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

// MCP from revision 2026-07-28: no sessions, and headers that repeat what the body is about.

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

type Lines = Array<[name: string, value: string]>

const open = { level: 'anonymous' } as const
const strict = { level: 'identified' } as const
const version: [string, string] = ['mcp-protocol-version', '2026-07-28']
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { sampling: {} },
}

/** A server that has a tool, `look`, and streams that stay open. */
function answer(_: IncomingMessage, response: ServerResponse, body: string): void {
  const { method, id } = JSON.parse(body)
  if (method === 'subscriptions/listen') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n')
    return
  }
  response.statusCode = method === 'prompts/list' ? 404 : 200
  const error = { code: -32_601, message: 'Method not found' }
  const result = { tools: [{ name: 'look' }] }
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(response.statusCode === 404 ? { error } : { result }) }))
}

const rpc = (method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: { ...params, _meta: meta } })
const about = (method: string, name?: string): Lines => [
  version,
  ['mcp-method', method],
  ...(name === undefined ? [] : [['mcp-name', name] as [string, string]]),
]

async function running(route: Partial<GatewayRoute<'read'>> = {}) {
  const { port, upstream } = await start(answer, [
    { path: '/mcp', requirement: open, mcp: { tools: { '*': open } }, ...route },
  ])
  const plain: Lines = [
    ['host', 'api.example'],
    ['content-type', 'application/json'],
  ]
  const post = (body: string, lines: Lines) =>
    call(port, { method: 'POST', target: '/mcp', headers: [...plain, ...lines], body })
  const signed = async (body: string, lines: Lines, covered: readonly string[] = lines.map(([name]) => name)) => {
    const headers: Lines = [['content-type', 'application/json'], ...lines]
    const made = { as: world.agent, method: 'POST', target: '/mcp', headers, body, additionalComponents: [...covered] }
    return call(port, { method: 'POST', target: '/mcp', headers: await world.sign(made), body })
  }
  return { port, upstream, post, signed }
}

describe(verifies('mcp.headers', 'a header that disagrees with the body'), () => {
  const look = rpc('tools/call', { name: 'look' })
  const refused: ReadonlyArray<readonly [what: string, body: string, lines: Lines]> = [
    ['another method', look, about('tools/list', 'look')],
    ['its method in another case', look, about('Tools/Call', 'look')],
    ['another name', look, about('tools/call', 'pay')],
    ['no name', look, about('tools/call')],
    ['no method', look, [version, ['mcp-name', 'look']]],
    ['no revision', look, about('tools/call', 'look').slice(1)],
    ['another revision', look, [['mcp-protocol-version', '2025-11-25'], ...about('tools/call', 'look').slice(1)]],
    ['two names', look, [...about('tools/call', 'look'), ['mcp-name', 'pay']]],
    ['a name of which decoders make two', look, about('tools/call', '=?base64?bG9vax==?=')],
    ['a name that is no UTF-8', look, about('tools/call', '=?base64?/w==?=')],
    ['the URI of another resource', rpc('resources/read', { uri: 'a://b' }), about('resources/read', 'a://c')],
    ['the name of a task that the body does not have', rpc('tasks/get'), about('tasks/get', 'task-1')],
    ['a name where the method has none', rpc('extra/method'), about('extra/method', 'its own')],
    [
      'another name, though the body says no revision',
      JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'look' } }),
      [['mcp-name', 'pay']],
    ],
  ]
  test.each(refused)('%s', async (_, body, lines) => {
    const { post, upstream } = await running({ mcp: { tools: { '*': open }, resources: { '*': open } } })
    const { status, body: text } = await post(body, lines)
    expect([status, JSON.parse(text)]).toMatchObject([
      400,
      {
        jsonrpc: '2.0',
        id: 7,
        error: { code: -32_020, data: { error: 'invalid_request', reason: 'mcp_headers_mismatched' } },
      },
    ])
    expect(upstream.seen).toEqual([])
  })

  test('in a spelling that some servers take for it', async () => {
    const { post, upstream } = await running()
    const { status, body } = await post(look, [...about('tools/call', 'look'), ['mcp_name', 'pay']])
    expect([status, JSON.parse(body).reason]).toEqual([400, 'header_ambiguous'])
    expect(upstream.seen).toEqual([])
  })
})

test('headers that agree with the body pass, and so do messages of earlier revisions', async () => {
  const { post, upstream } = await running()
  const named = (name: string) => rpc('tools/call', { name })
  const odd = 'sp\u00e4h'
  const plain = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'look' } })
  for (const [body, lines] of [
    [named('look'), about('tools/call', 'look')],
    [named('look'), about('tools/call', `=?base64?${btoa('look')}?=`)],
    [named(odd), about('tools/call', `=?base64?${Buffer.from(odd).toString('base64')}?=`)],
    [named('=?base64?x'), about('tools/call', '=?base64?x')],
    [rpc('extra/method'), about('extra/method')],
    // The server says that it has no such method any more.
    [rpc('resources/subscribe'), about('resources/subscribe')],
    [plain, []],
    [plain, [['mcp-protocol-version', '2025-11-25']]],
  ] as ReadonlyArray<readonly [string, Lines]>)
    expect((await post(body, lines)).status, body).toBe(200)
  expect(upstream.seen).toHaveLength(8)
})

test(verifies('mcp.covered', 'a signature covers the method and the name, where the request has them'), async () => {
  const { signed, upstream } = await running({ requirement: strict, mcp: { tools: { '*': strict } } })
  const body = rpc('tools/call', { name: 'look' })
  const lines = about('tools/call', 'look')
  for (const left of ['mcp-method', 'mcp-name']) {
    const covered = lines.map(([name]) => name).filter(name => name !== left)
    const { status, body: text } = await signed(body, lines, covered)
    expect([status, JSON.parse(text).error], left).toEqual([401, 'invalid_signature'])
  }
  expect(upstream.seen).toEqual([])
  expect((await signed(body, lines)).status).toBe(200)
})

test('the gateway asks for the names in the revision of the caller, and as its client', async () => {
  const { post, upstream } = await running({ mcp: { tools: { look: open, '*': open } } })
  const lines: Lines = [...about('tools/call', 'other'), ['mcp-param-region', 'north']]
  expect((await post(rpc('tools/call', { name: 'other' }), lines)).status).toBe(200)
  const [asked, passed] = upstream.seen
  expect(JSON.parse(asked?.body ?? '')).toMatchObject({ method: 'tools/list', params: { _meta: meta } })
  const of = (name: string) => [valuesOf(asked, name), valuesOf(passed, name)]
  expect(of('mcp-method')).toEqual([['tools/list'], ['tools/call']])
  expect(of('mcp-name')).toEqual([[], ['other']])
  expect(of('mcp-param-region')).toEqual([[], ['north']])
  expect(of('mcp-protocol-version')).toEqual([['2026-07-28'], ['2026-07-28']])
})

test('a rule for a prompt of a server that has no prompts at all is a slip', async () => {
  const { post, upstream } = await running({ mcp: { prompts: { report: open, '*': open } } })
  expect((await post(rpc('prompts/get', { name: 'other' }), about('prompts/get', 'other'))).status).toBe(500)
  expect(upstream.seen.map(({ body }) => JSON.parse(body).method)).toEqual(['prompts/list'])
})

test(verifies('mcp.task-rule', 'a task is no way around the rule of the tool that it came of'), async () => {
  const task = rpc('tasks/get', { taskId: 't1' })
  const lines = about('tasks/get', 't1')
  const several = await running({ mcp: { tools: { pay: strict, '*': open } } })
  expect([(await several.post(task, lines)).status, (await several.signed(task, lines)).status]).toEqual([403, 403])
  expect(several.upstream.seen).toEqual([])
  const one = await running({ mcp: { tools: { '*': strict } } })
  expect([(await one.post(task, lines)).status, (await one.signed(task, lines)).status]).toEqual([401, 200])
  // In a session likewise: a header may be dropped on the way.
  const { port } = one
  const headers: Lines = [
    ['host', 'api.example'],
    ['content-type', 'application/json'],
    ['mcp-session-id', 's1'],
  ]
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tasks/get', params: { taskId: 't1' } })
  expect((await call(port, { method: 'POST', target: '/mcp', headers, body })).status).toBe(401)
})

test(verifies('mcp.stream-end', 'a subscription ends with the token that opened it'), async () => {
  const { port, upstream } = await start(answer, [{ path: '/mcp', requirement: { scope: 'read' }, mcp: {} }])
  const brief = await world.holder({ sub: 'alice', seconds: 2 })
  const lines = about('subscriptions/listen')
  const headers: Lines = [['content-type', 'application/json'], ...lines]
  const body = rpc('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const additionalComponents = lines.map(([name]) => name)
  const signed = await world.sign({ as: brief, method: 'POST', target: '/mcp', headers, body, additionalComponents })
  const began = performance.now()
  const stream = await call(port, { method: 'POST', target: '/mcp', headers: signed, body })
  expect([stream.status, stream.body, stream.complete]).toEqual([200, 'data: {}\n\n', true])
  expect(performance.now() - began).toBeLessThan(4000)
  expect(upstream.seen).toHaveLength(1)
})

test(verifies('mcp.shares', 'a caller has sixteen subscriptions at a time, and one that ends makes room'), async () => {
  const { port, upstream } = await running({ requirement: strict, mcp: {} })
  const body = rpc('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const lines = about('subscriptions/listen')
  const opened = async (as: Signer) => {
    const headers: Lines = [['content-type', 'application/json'], ...lines]
    const additionalComponents = lines.map(([name]) => name)
    const made = { as, method: 'POST', target: '/mcp', headers, body, additionalComponents }
    return openStream(port, await world.sign(made), body)
  }
  const mine = await Promise.all(Array.from({ length: 16 }, () => opened(world.agent)))
  expect(mine.map(({ status }) => status)).toEqual(Array<number>(16).fill(200))
  const more = await opened(world.agent)
  expect([more.status, more.challenge]).toEqual([503, undefined])
  // Others are not kept out.
  const other = await opened(await world.holder({ sub: 'alice', delegate: 'phone' }))
  expect(other.status).toBe(200)
  mine[0]?.leave()
  await expect.poll(async () => (await opened(world.agent)).status).toBe(200)
  for (const { leave } of [...mine, other]) leave()
  expect(upstream.seen.length).toBeGreaterThan(17)
})

test(
  verifies('mcp.shares', 'a subscription counts before the server has answered, and no longer once it has failed'),
  async () => {
    const held: ServerResponse[] = []
    const { port, upstream } = await start(
      (_, response) => void held.push(response),
      [{ path: '/mcp', requirement: strict, mcp: {} }],
      { timeout: 1.5 },
    )
    const body = rpc('subscriptions/listen', { notifications: { toolsListChanged: true } })
    const lines = about('subscriptions/listen')
    const open = async (): Promise<Opened> => {
      const headers: Lines = [['content-type', 'application/json'], ...lines]
      const additionalComponents = lines.map(([name]) => name)
      const made = { as: world.agent, method: 'POST', target: '/mcp', headers, body, additionalComponents }
      return openStream(port, await world.sign(made), body)
    }
    /** Begins sixteen, and says whether one more is asked of the server. */
    const fill = async (): Promise<Array<Promise<Opened>>> => {
      const before = upstream.seen.length
      const all = Array.from({ length: 16 }, () => open())
      await expect.poll(() => upstream.seen.length).toBe(before + 16)
      expect((await open()).status).toBe(503)
      expect(upstream.seen).toHaveLength(before + 16)
      return all
    }
    const ends: ReadonlyArray<readonly [how: string, end: (response: ServerResponse) => void, status: number]> = [
      ['an error of the server', response => void response.writeHead(500).end(), 500],
      [
        'an answer that is no stream',
        response => void response.setHeader('content-type', 'application/json').end('{}'),
        200,
      ],
      ['a connection that breaks', response => void response.destroy(), 503],
      ['an invalid status', response => void response.writeHead(600).end(), 503],
      ['no answer in time', () => undefined, 503],
      [
        'a stream that ends',
        response => void response.setHeader('content-type', 'text/event-stream').end('data: 1\n\n'),
        200,
      ],
    ]
    for (const [how, end, status] of ends) {
      const all = await fill()
      for (const response of held.splice(0)) end(response)
      const answered = await Promise.all(all)
      expect(
        answered.map(one => one.status),
        how,
      ).toEqual(Array<number>(16).fill(status))
    }
    const last = await fill()
    for (const response of held.splice(0)) response.writeHead(200).end()
    await Promise.all(last)
  },
)

interface Opened {
  readonly status: number | undefined
  readonly challenge: unknown
  leave(): void
}

/** Opens a stream, and leaves it open. */
function openStream(port: number, lines: ReadonlyArray<readonly [string, string]>, body: string): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method: 'POST', path: '/mcp', headers: lines.flat(), agent: false }
    const outgoing = request({ ...options, setHost: false }, response => {
      response.on('error', () => undefined)
      response.resume()
      const { statusCode: status, headers } = response
      resolve({ status, challenge: headers['agent-auth'], leave: () => void response.destroy() })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

test('while the gateway only observes, it tells of a disagreement, and the message passes', async () => {
  const told: string[] = []
  const onEvent = (event: ResourceEvent): void => void (event.type === 'refused' && told.push(event.error.reason))
  const resource = createResource({ replay: startedReplaySet(), ...world.settings, observe: true, onEvent })
  const watching = stage(() => ({ ...world, resource }))
  const { port } = await watching(answer, [{ path: '/mcp', requirement: open, mcp: { tools: { '*': open } } }])
  const headers: Lines = [['host', 'api.example'], ['content-type', 'application/json'], ...about('tools/call', 'pay')]
  const body = rpc('tools/call', { name: 'look' })
  expect((await call(port, { method: 'POST', target: '/mcp', headers, body })).status).toBe(200)
  expect(told).toEqual(['mcp_headers_mismatched'])
})
