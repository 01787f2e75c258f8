import { request } from 'node:http'
import { memoryReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { createResource, memoryCounter } from '@countersign/resource'
import { jsonLog, serve } from '@countersign/server'
import { answeredByHead, unread } from '@countersign/testing/unread-body'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway, type GatewayOptions, type UpstreamState } from './index.js'
import { call, ok } from './stage.test.fixture.js'
import { type AnswerAs, makeWorld, startUpstream, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const ends: Array<() => Promise<void>> = []
afterAll(async () => {
  for (const end of ends) await end()
})

async function upstream(answer: AnswerAs) {
  const made = await startUpstream(answer)
  ends.push(made.stop)
  return made
}

async function running(options: GatewayOptions<'read'>) {
  const gateway = createGateway(options)
  const { port, close } = await serve({
    name: 'gateway',
    id: 'https://api.example',
    port: 0,
    host: '127.0.0.1',
    drain: 1,
    participant: gateway,
    signals: false,
    announce: () => {},
    log: jsonLog({ name: 'gateway', write: () => {} }),
  })
  ends.push(close)
  const signed = async (target: string) =>
    (await call(port, { target, headers: await world.sign({ as: world.agent, target }) })).status
  return { gateway, port, signed }
}

const identified = [{ path: '/*', requirement: { level: 'identified' } }] as const
const open = [{ path: '/*', requirement: { level: 'anonymous' } }] as const

test('routes, lists and the API behind change at once; an answer under way goes on to its end', async () => {
  let finish = (): void => {}
  const one = await upstream((_, response) => {
    response.write('begun ')
    finish = () => response.end('and ended')
  })
  const two = await upstream(ok)
  const settings = { ...world.settings, replay: startedReplaySet() }
  const first = { resource: createResource(settings), upstream: one.origin, routes: open }
  const { gateway, port, signed } = await running(first)
  const slow = new Promise<string>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/', headers: { host: 'api.example' } }, response => {
      let text = ''
      response.on('data', chunk => {
        text += chunk
        if (text === 'begun ') change()
      })
      response.on('end', () => resolve(text)).on('error', reject)
    }).end()
  })
  const change = (): void => {
    gateway.reload({ ...first, upstream: two.origin, routes: identified })
    setTimeout(finish, 100)
  }
  expect(await slow).toBe('begun and ended')
  expect((await call(port, { target: '/' })).status).toBe(401)
  expect(await signed('/')).toBe(200)
  expect([one.seen.length, two.seen.length]).toEqual([1, 1])

  const others = createResource({ ...settings, agents: ['https://other.example'] })
  gateway.reload({ ...first, resource: others, routes: identified })
  expect(await signed('/')).toBe(403)
})

test('options that are wrong change nothing', async () => {
  const { origin } = await upstream(ok)
  const first = { resource: world.resource, upstream: origin, routes: identified }
  const { gateway, port, signed } = await running(first)
  for (const wrong of [{ upstream: 'ftp://x' }, { routes: [{ path: 'x', requirement: {} }] }, { healthPath: 'x' }])
    expect(() => gateway.reload({ ...first, ...wrong }), JSON.stringify(wrong)).toThrow(TypeError)
  expect([(await call(port, { target: '/' })).status, await signed('/')]).toEqual([401, 200])
})

test('a request that the old resource has seen is a replay for the new one', async () => {
  const { origin } = await upstream(ok)
  const began = Date.now() / 1000 - 1000
  let now = began
  const replay = memoryReplaySet({ now: () => now })
  now = Date.now() / 1000
  const made = () => createResource({ ...world.settings, replay })
  const { gateway, port } = await running({ resource: made(), upstream: origin, routes: identified })
  const headers = await world.sign({ as: world.agent, method: 'POST', target: '/' })
  const post = async () =>
    (await call(port, { method: 'POST', target: '/', headers: [...headers, ['content-length', '0']] })).status
  expect(await post()).toBe(200)
  gateway.reload({ resource: made(), upstream: origin, routes: identified })
  expect(await post()).toBe(401)
})

test('the counts of a route stay with it when it moves, and a limit with another window starts anew', async () => {
  const { origin } = await upstream(ok)
  const counter = memoryCounter()
  const settings = { ...world.settings, replay: startedReplaySet(), counter }
  const limited = (path: string, anonymous: string) => ({
    path,
    requirement: { level: 'anonymous', limits: { anonymous } } as const,
  })
  const made = (...routes: GatewayOptions<'read'>['routes']) => ({
    resource: createResource(settings),
    upstream: origin,
    routes,
  })
  const { gateway, port } = await running(made(limited('/a', '1/day'), limited('/b', '1/day')))
  const statuses = async () => {
    const [a, b] = [await call(port, { target: '/a' }), await call(port, { target: '/b' })]
    return [a.status, b.status]
  }
  expect((await call(port, { target: '/a' })).status).toBe(200)
  gateway.reload(made(limited('/c', '1/day'), limited('/b', '1/day'), limited('/a', '1/day')))
  expect(await statuses()).toEqual([429, 200])
  gateway.reload(made(limited('/a', '2/min'), limited('/b', '1/day')))
  expect(await statuses()).toEqual([200, 429])
})

test('the health path of the API decides readiness, and each change is reported once', async () => {
  let status = 200
  const asked: string[] = []
  const { origin, stop } = await startUpstream((incoming, response) => {
    asked.push(incoming.url ?? '')
    response.writeHead(status).end()
  })
  const told: string[] = []
  const onUpstream = ({ state }: UpstreamState): void => void told.push(state)
  const common = { resource: world.resource, upstream: origin, routes: open, onUpstream }
  const gateway = createGateway({ ...common, healthPath: '/health?deep' })
  await gateway.ready?.()
  status = 503
  await expect(gateway.ready?.()).rejects.toThrow(/503/)
  await expect(gateway.ready?.()).rejects.toThrow(/503/)
  status = 302
  await gateway.ready?.()
  await gateway.ready?.()
  expect(asked).toEqual(Array(5).fill('/health?deep'))
  expect(told).toEqual(['away', 'back'])
  await gateway.close?.()
  await stop()

  const { port, gateway: other } = await running(common)
  for (let turn = 0; turn < 3; turn++) expect((await call(port, { target: '/' })).status).toBe(503)
  await expect(other.ready?.()).rejects.toThrow()
  expect(told).toEqual(['away', 'back', 'away'])
})

test(
  verifies('sig.body.head-first', 'a request whose head is refused is refused before its body is read'),
  async () => {
    const { origin, seen } = await upstream(ok)
    const first = { resource: createResource({ ...world.settings, replay: startedReplaySet() }), upstream: origin }
    const gateway = createGateway({ ...first, routes: identified })
    const message = { method: 'POST', target: '/', headers: [['host', 'api.example']], body: Buffer.from('a') } as const
    const refused = await answeredByHead(message, gateway.handle)
    expect(refused === 'waits' ? refused : refused.status).toBe(401)
    expect(seen).toEqual([])
    gateway.reload({ ...first, routes: open })
    expect(await answeredByHead(message, gateway.handle)).toBe('waits')
    expect((await gateway.handle(unread(message))).status).toBe(200)
    await gateway.close?.()
  },
)
