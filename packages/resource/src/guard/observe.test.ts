import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import { Hono } from 'hono'
import { beforeAll, expect, test } from 'vitest'
import { guard } from '../adapter/hono.js'
import type { Requirement, ResourceEvent, ResourceOptions } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

type Need = Requirement<'events.read' | 'events.write'>

/** The same route, enforced or only observed: whether it passes, its facts, and what was told of it. */
function watched(need: Need, options: Partial<ResourceOptions<'events.read' | 'events.write'>>) {
  const events: ResourceEvent[] = []
  const resource = world.calendar({ onEvent: event => events.push(event), ...options })
  const declared = resource.declare({ name: '/events', ...need })
  return {
    resource,
    async at(message: ReceivedMessage) {
      events.length = 0
      const authorization = await resource.authorize({ ...message, requestId: 'request-12345' }, declared)
      return { authorization, events: [...events] }
    },
  }
}

const nobody = { level: 'anonymous', scope: [], chain: [] }
const unsigned = { method: 'GET', target: '/', headers: [['host', 'calendar.example']] } as const

test(verifies('SIG-21', 'every request passes, and none with an identity'), async () => {
  const need: Need = { scope: 'events.read' }
  const observing = watched(need, { observe: true })
  const enforcing = watched(need, {})
  const token = await world.authToken({ sub: 'alice' })
  const messages: ReceivedMessage[] = [
    unsigned,
    await world.request({ as: asKey(await generateSigningKey()) }),
    await world.request({ as: asAgent(world.agent) }),
    await world.request({ as: asHolder(world.delegateKey, token) }),
    { ...(await world.request({ as: asHolder(world.delegateKey, token) })), target: '/other' },
  ]
  const passes: boolean[] = []
  for (const message of messages) {
    const { authorization } = await observing.at(message)
    expect(authorization).toMatchObject({ ok: true, observed: true })
    if (authorization.ok) expect({ ...authorization.aauth }).toEqual(nobody)
    passes.push((await enforcing.at(message)).authorization.ok)
  }
  expect(passes).toEqual([false, false, false, true, false])
})

test(verifies('LOG-03', 'events say what enforcing would have done, to whom, and that it was not done'), async () => {
  const need: Need = { scope: 'events.read' }
  const { at } = watched(need, { observe: true })
  const about = { resource: 'https://calendar.example', observed: true, route: '/events', request_id: 'request-12345' }
  const agent = await at(await world.request({ as: asAgent(world.agent) }))
  expect(agent.events).toEqual([
    {
      type: 'refused',
      error: expect.objectContaining({ code: 'insufficient_level', status: 401 }),
      ask: 'authorization',
      aauth: expect.objectContaining({ level: 'identified', agent: 'https://agent.example' }),
      ...about,
    },
  ])
  const first = await at(unsigned)
  expect(first.events).toMatchObject([{ type: 'refused', ask: 'identity', aauth: { level: 'anonymous' }, ...about }])
  const passed = await at(await world.request({ as: asHolder(world.delegateKey, await world.authToken()) }))
  expect(passed.events).toMatchObject([{ type: 'passed', aauth: { level: 'authorized' }, ...about }])
  const [enforced] = (await watched(need, {}).at(unsigned)).events
  expect(enforced).toMatchObject({ type: 'refused', ask: 'identity', route: '/events' })
  expect(enforced).not.toHaveProperty('observed')
})

test(verifies('LOG-03', 'what an adapter refuses by itself is told as it was meant'), () => {
  const message = { ...unsigned, requestId: 'request-12345' }
  const error = new AAuthError('invalid_request', 'there is nothing here', {
    reason: 'parameter_malformed',
    status: 404,
  })
  const about = { request_id: 'request-12345', resource: 'https://calendar.example' }
  const event = { type: 'refused', error, ask: 'nothing', ...about }
  const told = (options: Parameters<typeof watched>[1]): ResourceEvent[] => {
    const events: ResourceEvent[] = []
    const { resource } = watched({ level: 'pseudonymous' }, { ...options, onEvent: one => events.push(one) })
    resource.refused(message, error)
    expect(resource.observed?.(message, error).ok).toBe(options.observe)
    return events
  }
  expect(told({})).toEqual([event])
  expect(told({ observe: true })).toEqual([
    { ...event, observed: false },
    { ...event, observed: true },
  ])
})

test('replays and limits are reported and refuse no request; nor does a store that is not available', async () => {
  const need: Need = { level: 'pseudonymous', limits: { pseudonymous: '2/hour' } }
  const as = asKey(await generateSigningKey())
  const codes = async (options: Partial<ResourceOptions<'events.read' | 'events.write'>>) => {
    const { at } = watched(need, options)
    const post = await world.request({ as, method: 'POST' })
    const seen: unknown[] = []
    for (const message of [post, { ...post }, await world.request({ as }), await world.request({ as })]) {
      const { authorization, events } = await at(message)
      const [event] = events
      seen.push([authorization.ok, event?.type === 'refused' ? event.error.code : event?.type])
    }
    return seen
  }
  expect(await codes({ observe: true })).toEqual([
    [true, 'passed'],
    [true, 'replay_detected'],
    [true, 'passed'],
    [true, 'rate_limited'],
  ])
  expect(await codes({})).toEqual([
    [true, 'passed'],
    [false, 'replay_detected'],
    [true, 'passed'],
    [false, 'rate_limited'],
  ])
  const away = { take: async () => Promise.reject(new Error('connection refused')) }
  expect((await codes({ observe: true, counter: away }))[0]).toEqual([true, 'temporarily_unavailable'])
})

test('responses stay unchanged, handlers see an anonymous caller, and no call is made for it', async () => {
  const answer = async (observe: boolean) => {
    const app = new Hono()
    const resource = world.calendar({ observe, limits: { anonymous: '9/min' } })
    app.get('/x', guard(resource, { level: 'anonymous' }), async c => {
      const failed = await c.var.aauth
        .fetch('https://rooms.example')
        .catch((error: unknown) => error instanceof TypeError)
      return c.json([c.var.aauth.level, failed], 200, { 'cache-control': 'public' })
    })
    const response = await app.request('https://calendar.example/x')
    const { headers } = response
    return [await response.json(), headers.get('cache-control'), headers.get('vary'), headers.has('ratelimit')]
  }
  expect(await answer(true)).toEqual([['anonymous', true], 'public', null, false])
  expect(await answer(false)).toEqual([['anonymous', true], 'private', 'Signature-Key', true])
})
