import { verifies } from '@countersign/requirements'
import { createResource, type ResourceEvent } from '@countersign/resource'
import { beforeAll, expect, test } from 'vitest'
import { call, ok, stage } from './stage.test.fixture.js'
import { makeWorld, runningReplaySet, type World } from './world.test.fixture.js'

const events: ResourceEvent[] = []
let world: World
let enforcing: World
beforeAll(async () => {
  enforcing = await makeWorld()
  const onEvent = (event: ResourceEvent) => events.push(event)
  const resource = createResource({ replay: runningReplaySet(), ...enforcing.settings, observe: true, onEvent })
  world = { ...enforcing, resource }
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

test('what no route is for is let through and told; what two servers could read differently is refused', async () => {
  const routes = [{ path: '/a', methods: ['GET'], requirement: { level: 'anonymous' } as const }]
  const { port, upstream } = await start(ok, routes)
  const guarded = await enforced(ok, routes)
  events.length = 0
  const statuses: unknown[] = []
  for (const [method, target] of [
    ['GET', '/a'],
    ['PUT', '/a'],
    ['GET', '/b'],
    ['GET', '//a'],
    ['GET', '/a/../b'],
  ] as const)
    statuses.push([
      (await call(port, { method, target })).status,
      (await call(guarded.port, { method, target })).status,
    ])
  expect(statuses).toEqual([
    [200, 200],
    [200, 405],
    [200, 404],
    [400, 400],
    [400, 400],
  ])
  expect(upstream.seen.map(({ method, target }) => `${method} ${target}`)).toEqual(['GET /a', 'PUT /a', 'GET /b'])
  expect(events.map(event => (event.type === 'refused' ? event.error.status : event.type))).toEqual([
    'passed',
    405,
    404,
  ])
})
