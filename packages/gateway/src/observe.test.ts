import { verifies } from '@countersign/requirements'
import { createResource, type ResourceEvent } from '@countersign/resource'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { beforeAll, expect, test } from 'vitest'
import { call, ok, stage } from './stage.test.fixture.js'
import { type AnswerAs, makeWorld, type World } from './world.test.fixture.js'

const events: ResourceEvent[] = []
const enforcedEvents: ResourceEvent[] = []
let world: World
let enforcing: World
beforeAll(async () => {
  const made = await makeWorld()
  const worldThat = (observe: boolean, told: ResourceEvent[]): World => {
    const onEvent = (event: ResourceEvent) => told.push(event)
    return { ...made, resource: createResource({ replay: startedReplaySet(), ...made.settings, observe, onEvent }) }
  }
  world = worldThat(true, events)
  enforcing = worldThat(false, enforcedEvents)
})
const start = stage(() => world)
const enforced = stage(() => enforcing)

const forged: Array<[string, string]> = [
  ['host', 'api.example'],
  ['AAuth-Level', 'authorized'],
  ['aauth_user', 'root'],
]

test(verifies('SIG-21', 'the API gets everything, and of the facts neither ours nor a forged one'), async () => {
  const { port, upstream, signed } = await start(ok)
  expect((await call(port, { target: '/x', headers: forged })).body).toBe('hello')
  expect((await signed({ as: world.stranger, target: '/x' })).body).toBe('hello')
  expect((await signed({ as: world.agent, target: '/x' })).body).toBe('hello')
  expect(upstream.seen.flatMap(({ headers }) => headers.filter(([name]) => /^aauth/.test(name)))).toEqual([])
  expect(upstream.seen).toHaveLength(3)
  expect(events.map(event => [event.type, event.route, event.observed])).toEqual([
    ['refused', '/*', true],
    ['refused', '/*', true],
    ['passed', '/*', true],
  ])

  const guarded = await enforced(ok)
  expect((await call(guarded.port, { target: '/x', headers: forged })).status).toBe(401)
  expect((await guarded.signed({ as: world.agent, target: '/x' })).body).toBe('hello')
  expect(guarded.upstream.seen.map(({ headers }) => headers.some(([name]) => name === 'aauth-agent'))).toEqual([true])
})

/** Status, or that it passed, and whether it was let through because the gateway only observes. */
const told = (event: ResourceEvent) => [event.type === 'refused' ? event.error.status : event.type, event.observed]

const reasons = (all: readonly ResourceEvent[]) =>
  all.map(event => (event.type === 'refused' ? event.error.reason : event.type))

test('a request without a route is let through and reported; a target that two servers could read differently is refused', async () => {
  const routes = [{ path: '/a', methods: ['GET'], requirement: { level: 'anonymous' } as const }]
  const { port, upstream } = await start(ok, routes)
  const guarded = await enforced(ok, routes)
  events.length = 0
  enforcedEvents.length = 0
  const named = (await world.sign({ as: world.agent, target: '/a', headers: [['x-tenant', 'a']] })).concat([
    ['connection', 'x-tenant'],
  ])
  const large = { method: 'PUT', target: '/a', body: 'x'.repeat(1_048_577) }
  const table = [
    { target: '/a', statuses: [200, 200], observed: true },
    { method: 'PUT', target: '/a', statuses: [200, 405], observed: true },
    { target: '/b', statuses: [200, 404], observed: true },
    { target: '/%61', statuses: [200, 400], observed: true },
    { target: '//a', statuses: [400, 400], observed: false },
    { target: '/a/../b', statuses: [400, 400], observed: false },
    { target: '/a', headers: named, statuses: [400, 400], observed: false },
    // What refuses does so before it has read so much.
    { ...large, statuses: [413, 405], observed: false },
  ] as const
  for (const { statuses, observed: _, ...sent } of table)
    expect([(await call(port, sent)).status, (await call(guarded.port, sent)).status], sent.target).toEqual(statuses)
  expect(upstream.seen.map(({ method, target }) => `${method} ${target}`)).toEqual([
    'GET /a',
    'PUT /a',
    'GET /b',
    'GET /%61',
  ])
  const meant = table.map(({ statuses: [, status] }) => (status === 200 ? 'passed' : status))
  expect(events.map(told)).toEqual(
    table.map(({ statuses: [open], observed }, at) => [open === 200 ? meant[at] : open, observed]),
  )
  expect(enforcedEvents.map(told)).toEqual(meant.map(status => [status, undefined]))
  for (const all of [events, enforcedEvents])
    expect(reasons(all).slice(1, 4)).toEqual(['method_not_allowed', 'path_unknown', 'path_not_plain'])
})

test('an invalid WebSocket handshake and an ambiguous MCP message are refused, too', async () => {
  const routes = [{ path: '/mcp', requirement: { level: 'anonymous' }, mcp: { tools: {} } }] as const
  const handshake = [
    ['host', 'api.example'],
    ['connection', 'upgrade'],
    ['upgrade', 'websocket'],
  ] as const
  const batch = { method: 'POST', target: '/mcp', body: '[]', headers: [['host', 'api.example']] } as const
  events.length = 0
  enforcedEvents.length = 0
  for (const [run, statuses] of [
    [start, [400, 200]],
    [enforced, [400, 415]],
  ] as const) {
    const { port } = await run(ok, routes)
    expect([
      (await call(port, { target: '/mcp', headers: handshake })).status,
      (await call(port, batch)).status,
    ]).toEqual(statuses)
  }
  expect(reasons(events)).toEqual(['websocket_handshake_invalid', 'content_type_unsupported'])
  expect([events.map(told), enforcedEvents.map(told)]).toEqual([
    [
      [400, false],
      [415, true],
    ],
    [
      [400, undefined],
      [415, undefined],
    ],
  ])
})

test('an API that publishes keys itself goes on to do so while they are only observed', async () => {
  const theirs: AnswerAs = ({ url, headers }, response) => {
    if (url !== '/.well-known/jwks.json?v=1') return void response.writeHead(404).end('nothing')
    if (headers['if-none-match'] === 'v1') return void response.writeHead(304).end()
    response.end('{"keys":["theirs"]}')
  }
  const target = '/.well-known/jwks.json?v=1'
  const cached: Array<[string, string]> = [
    ['host', 'api.example'],
    ['if-none-match', 'v1'],
  ]
  const { port, upstream } = await start(theirs)
  events.length = 0
  expect((await call(port, { target, headers: [...forged] })).body).toBe('{"keys":["theirs"]}')
  expect(upstream.seen[0]?.headers.filter(([name]) => /^aauth/.test(name))).toEqual([])
  expect((await call(port, { target, headers: cached })).status).toBe(304)
  // If the API has no document there, the gateway answers; the API's other documents stay its own.
  for (const path of ['/.well-known/jwks.json', '/.well-known/aauth-resource'])
    expect((await call(port, { target: path })).status).toBe(200)
  expect(JSON.parse((await call(port, { target: '/.well-known/jwks.json' })).body).keys).toMatchObject([{ kid: 'r1' }])
  expect((await call(port, { target: '/.well-known/jwks.json', method: 'DELETE' })).status).toBe(405)
  expect(events).toEqual([])

  const guarded = await enforced(theirs)
  expect(JSON.parse((await call(guarded.port, { target })).body).keys).toMatchObject([{ kid: 'r1' }])
  expect(guarded.upstream.seen).toEqual([])
})

test('one that enforces leaves them to the API where its own are elsewhere', async () => {
  const resource = createResource({ ...enforcing.settings, replay: startedReplaySet(), jwksPath: '/aauth/jwks.json' })
  const routes = [{ path: '/.well-known/jwks.json', requirement: { level: 'anonymous' } as const }]
  const { port } = await enforced(ok, routes, { resource })
  expect((await call(port, { target: '/.well-known/jwks.json' })).body).toBe('hello')
  expect(JSON.parse((await call(port, { target: '/aauth/jwks.json' })).body).keys).toMatchObject([{ kid: 'r1' }])
})
