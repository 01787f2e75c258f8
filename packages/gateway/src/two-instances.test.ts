import { verifies } from '@countersign/requirements'
import { createResource } from '@countersign/resource'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, call } from './stage.test.fixture.js'
import { makeWorld, startGateway, startUpstream, type UpstreamServer, type World } from './world.test.fixture.js'

// Two gateways of one API whose replay set is one; tests/shared-replay.test.ts has them as processes with Redis.

let world: World
let upstream: UpstreamServer
let dies = false
const gateways: Array<Awaited<ReturnType<typeof startGateway>>> = []

beforeAll(async () => {
  world = await makeWorld()
  upstream = await startUpstream((_, response) => (dies ? void response.destroy() : void response.end('done')))
  const replay = startedReplaySet()
  for (let instance = 0; instance < 2; instance++) {
    const resource = createResource({ ...world.settings, replay })
    const routes = [{ path: '/*', requirement: { level: 'pseudonymous' as const } }]
    gateways.push(await startGateway({ ...world, resource }, upstream.origin, routes))
  }
})
afterAll(async () => {
  for (const gateway of gateways) await gateway.close()
  await upstream.stop()
})

const signed = () => world.sign({ as: world.stranger, method: 'POST', target: '/orders' })
const post = (instance: number, headers: Array<[string, string]>): Promise<Answer> =>
  call(gateways[instance]?.port ?? 0, { method: 'POST', target: '/orders', headers })

test(verifies('NON-12', 'F-37', 'one request at two instances at once is processed once'), async () => {
  const before = upstream.seen.length
  const lines = await signed()
  const answers = await Promise.all([0, 1, 0, 1].map(instance => post(instance, lines)))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401])
  expect(answers.filter(({ body }) => body.includes('"replay_detected"'))).toHaveLength(3)
  expect(upstream.seen.length - before).toBe(1)
  expect((await post(1, await signed())).status).toBe(200)
})

test(verifies('F-43', 'a balancer that repeats a POST after a 503 causes one effect'), async () => {
  const before = upstream.seen.length
  const [lines, next] = [await signed(), await signed()]
  dies = true
  const first = await post(0, lines)
  dies = false
  expect([first.status, upstream.seen.length - before]).toEqual([503, 1])
  // An agent that signed it anew would have it done twice: it waits 5 s at most, and then it is its caller who decides.
  expect(first.headers['retry-after']).toBe('60')
  expect((await post(1, lines)).status).toBe(401)
  expect(upstream.seen.length - before).toBe(1)
  expect((await post(1, next)).status).toBe(200)
})
