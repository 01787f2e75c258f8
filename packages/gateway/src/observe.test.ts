import { verifies } from '@countersign/requirements'
import { createResource, type ResourceEvent } from '@countersign/resource'
import { beforeAll, expect, test } from 'vitest'
import { call, ok, stage } from './stage.test.fixture.js'
import { makeWorld, runningReplaySet, type World } from './world.test.fixture.js'

const events: ResourceEvent[] = []
const enforcedEvents: ResourceEvent[] = []
let world: World
let enforcing: World
beforeAll(async () => {
  const made = await makeWorld()
  const worldThat = (observe: boolean, told: ResourceEvent[]): World => {
    const onEvent = (event: ResourceEvent) => told.push(event)
    return { ...made, resource: createResource({ replay: runningReplaySet(), ...made.settings, observe, onEvent }) }
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

test('what no route is for is let through and told; what two servers could read differently is refused', async () => {
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
    { ...large, statuses: [413, 413], observed: false },
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
  expect(events.map(told)).toEqual(table.map(({ observed }, at) => [meant[at], observed]))
  expect(enforcedEvents.map(told)).toEqual(meant.map(status => [status, undefined]))
})

test('so is what asks for a WebSocket and is no handshake, and what an MCP server would be asked in two ways', async () => {
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
