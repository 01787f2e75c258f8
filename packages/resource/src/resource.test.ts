import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey, memoryReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { Hono } from 'hono'
import { beforeAll, describe, expect, test } from 'vitest'
import { guard } from './adapter/hono.js'
import type { Authorization, ResourceEvent } from './index.js'
import { makeWorld, signByHand, type World } from './world.test.fixture.js'

let world: World
let stranger: Signer
beforeAll(async () => {
  world = await makeWorld()
  stranger = asKey(await generateSigningKey())
})

async function outcome(authorization: Promise<Authorization>) {
  const answer = await authorization
  if (answer.ok) return [200]
  const { status, headers } = answer.response
  return [status, (await answer.response.json()).error, headers.get('agent-auth')]
}

const post = (as: Signer = stranger, body = '{}') => world.request({ as, method: 'POST', target: '/x', body })

describe('which callers are let in', () => {
  test(
    verifies(
      'trust.resource.agents',
      'trust.local-first',
      'RAT-04',
      'an agent that is on no list is refused before anything is fetched',
    ),
    async () => {
      const fetched: string[] = []
      const discovery = createDiscovery({
        fetcher: async url => {
          fetched.push(url)
          throw new Error('no network')
        },
      })
      const resource = world.calendar({ agents: ['https://agent.example'], discovery })
      const denied = [403, 'policy_denied', null]
      const other = await world.agentToken({}, world.otherAgent)
      for (const as of [asAgent(world.otherAgent), asHolder(world.delegateKey, other)])
        expect(await outcome(resource.authorize(await world.request({ as }), { scope: 'events.read' }))).toEqual(denied)
      expect(fetched).toEqual([])
      const listed = world.calendar({ agents: ['https://agent.example'] })
      expect(
        await outcome(listed.authorize(await world.request({ as: asAgent(world.agent) }), { level: 'pseudonymous' })),
      ).toEqual([200])
    },
  )

  test(
    verifies('error.unavailable', 'error.discovery-failed', 'an agent that cannot be reached is told to come again'),
    async () => {
      const unreachable = createDiscovery({ fetcher: async () => Promise.reject(new Error('no network')) })
      const resource = world.calendar({ discovery: unreachable })
      const message = await world.request({ as: asAgent(world.agent) })
      const answer = await resource.authorize(message, { level: 'identified' })
      expect(answer.ok).toBe(false)
      const response = answer.ok ? undefined : answer.response
      expect([response?.status, Number(response?.headers.get('retry-after')) > 0]).toEqual([503, true])
      expect(await outcome(world.calendar().authorize(message, { level: 'identified' }))).toEqual([200])
    },
  )

  test(
    verifies(
      'error.misdirected',
      'sig.authority.several',
      'a resource answers for each of its authorities; requests to others are misdirected',
    ),
    async () => {
      const resource = world.calendar({ authorities: ['calendar.example', 'cal.example'] })
      const at = async (origin: string, host = new URL(origin).host) => {
        const wire = await world.request({ as: stranger, origin })
        const headers = wire.headers.map(([name, value]) =>
          name === 'host' ? ([name, host] as const) : ([name, value] as const),
        )
        return outcome(resource.authorize({ ...wire, headers }, { level: 'pseudonymous' }))
      }
      expect([
        await at('https://calendar.example'),
        await at('https://cal.example'),
        await at('https://cal.example', 'CAL.example:443'),
      ]).toEqual([[200], [200], [200]])
      expect(await at('https://evil.example')).toEqual([421, 'invalid_request', null])
      expect(await at('https://calendar.example', 'cal.example')).toEqual([401, 'invalid_signature', 'httpsig'])
    },
  )

  test(
    verifies('KEY-27', 'challenge.algs', 'error.unsupported-algorithm', 'a key of another kind is told which would do'),
    async () => {
      const resource = world.calendar()
      const wire = await world.request({ as: stranger })
      expect(await outcome(resource.authorize(wire, { level: 'pseudonymous' }))).toEqual([200])
      const rsa = 'sig=hwk;alg="PS512";kty="RSA";n="AAAA";e="AQAB"'
      const headers = wire.headers.map(([name, value]) => [name, name === 'signature-key' ? rsa : value] as const)
      const [status, error, agentAuth] = await outcome(
        resource.authorize({ ...wire, headers }, { level: 'pseudonymous' }),
      )
      expect([status, error]).toEqual([401, 'unsupported_algorithm'])
      expect(agentAuth).toBe('httpsig; algs="Ed25519 ES256 ES384 PS512"')
    },
  )

  test(verifies('level.authorized', 'the chain that led here, newest first'), async () => {
    const act = {
      iss: 'https://auth.example',
      agent: 'https://middle.example',
      agent_delegate: 'm1',
      act: { iss: 'https://first.example', agent: 'https://start.example' },
    }
    const as = asHolder(world.delegateKey, await world.authToken({ act }))
    const answer = await world.calendar().authorize(await world.request({ as }), { scope: 'events.read' })
    expect(answer.ok && answer.aauth.chain).toEqual([
      { iss: 'https://auth.example', agent: 'https://middle.example', agent_delegate: 'm1' },
      { iss: 'https://first.example', agent: 'https://start.example' },
    ])
  })
})

test(verifies('COV-39', 'a line break in a field value forges no line of the base'), async () => {
  const resource = world.calendar()
  const input = `("@method" "@authority" "@path" "signature-key" "x-a");created=${Math.floor(world.clock.now)}`
  const honest = await signByHand({ as: stranger, input, headers: [['x-a', '1']] })
  expect(await outcome(resource.authorize(honest, { level: 'pseudonymous' }))).toEqual([200])
  const forged = await signByHand({ as: stranger, input, headers: [['x-a', '1\n"@method": DELETE']] })
  expect((await outcome(resource.authorize(forged, { level: 'pseudonymous' })))[0]).toBeGreaterThanOrEqual(400)
})

describe('replay across restarts of what is around', () => {
  test(verifies('NON-12', 'two instances of one resource that share a set'), async () => {
    const replay = memoryReplaySet({ now: () => world.clock.now - 500 })
    world.clock.now += 500
    const [one, two] = [world.calendar({ replay }), world.calendar({ replay })]
    const message = await post()
    expect(await outcome(one.authorize(message, { level: 'pseudonymous' }))).toEqual([200])
    expect(await outcome(two.authorize({ ...message }, { level: 'pseudonymous' }))).toEqual([
      401,
      'replay_detected',
      null,
    ])
  })

  test(verifies('NON-14', 'a request whose handler failed is spent; a new one is not'), async () => {
    const app = new Hono()
    let ran = 0
    app.onError((_, c) => c.text('broken', 500))
    app.post('/x', guard(world.calendar(), { level: 'pseudonymous' }), () => {
      ran += 1
      throw new Error('broken')
    })
    const call = async (wire: Awaited<ReturnType<typeof post>>) =>
      (
        await app.request(
          new Request('https://calendar.example/x', {
            method: 'POST',
            headers: wire.headers.map(([n, v]) => [n, v]),
            body: '{}',
          }),
        )
      ).status
    const first = await post()
    expect([await call(first), await call(first), await call(await post())]).toEqual([500, 401, 500])
    expect(ran).toBe(2)
  })

  test(verifies('error.unavailable', 'without its memory a resource fails closed'), async () => {
    const away = async () => Promise.reject(new Error('connection refused'))
    const noReplay = world.calendar({ replay: { check: away } })
    expect(await outcome(noReplay.authorize(await post(), { level: 'pseudonymous' }))).toEqual([
      503,
      'temporarily_unavailable',
      'httpsig',
    ])
    expect(await outcome(noReplay.authorize(await world.request({ as: stranger }), { level: 'pseudonymous' }))).toEqual(
      [200],
    )
    const noCounter = world.calendar({ counter: { take: away }, limits: { pseudonymous: '1/min' } })
    expect(await outcome(noCounter.authorize(await post(), { level: 'pseudonymous' }))).toEqual([
      503,
      'temporarily_unavailable',
      'httpsig',
    ])
    expect(
      await outcome(
        world.calendar({ limits: { pseudonymous: '1/min' } }).authorize(await post(), { level: 'pseudonymous' }),
      ),
    ).toEqual([200])
  })

  test(verifies('error.server-error', 'a policy that throws admits no caller and tells nothing'), async () => {
    const broken = { level: 'pseudonymous' as const, policy: () => Promise.reject(new Error('secret detail')) }
    const answer = await world.calendar().authorize(await post(), broken)
    const response = answer.ok ? undefined : answer.response
    expect(response?.status).toBe(500)
    expect(await response?.text()).not.toContain('secret')
  })
})

describe('what is told', () => {
  test(
    verifies('LOG-02', 'LOG-04', 'one event a decision, without tokens, and no claimed name as a fact'),
    async () => {
      const events: ResourceEvent[] = []
      const resource = world.calendar({ onEvent: event => events.push(event) })
      const token = await world.authToken({ sub: 'alice' })
      const passed = await world.request({ as: asHolder(world.delegateKey, token) })
      await resource.authorize(passed, { scope: 'events.read' })
      await resource.authorize({ ...passed, target: '/other' }, { scope: 'events.read' })
      await resource.authorize(await world.request({ as: asAgent(world.agent) }), { scope: 'events.read' })
      expect(events.map(event => event.type)).toEqual(['passed', 'refused', 'resource_token', 'refused'])
      const [first, second, issued, third] = events
      expect(first).toMatchObject({
        aauth: {
          agent: 'https://agent.example',
          delegate: 'phone',
          user: { iss: 'https://auth.example', sub: 'alice' },
        },
      })
      expect(second).not.toHaveProperty('aauth')
      expect(issued).toEqual({
        type: 'resource_token',
        resource: 'https://calendar.example',
        agent: 'https://agent.example',
        authServer: 'https://auth.example',
        scope: 'events.read',
        txn: expect.stringMatching(/^[0-9a-f-]{36}$/),
      })
      expect(third).toMatchObject({ error: { code: 'insufficient_level' }, aauth: { level: 'identified' } })
      const told = JSON.stringify(events)
      for (const secret of [token, 'eyJ', 'sig=']) expect(told).not.toContain(secret)
    },
  )

  test('an observer that throws decides nothing', async () => {
    const resource = world.calendar({
      onEvent: () => {
        throw new Error('broken')
      },
    })
    expect(await outcome(resource.authorize(await post(), { level: 'pseudonymous' }))).toEqual([200])
    expect((await outcome(resource.authorize(await post(), { level: 'identified' })))[0]).toBe(401)
  })
})

test('scopes are typed by the resource’s own, and c.var.aauth by the guard', () => {
  const resource = world.calendar()
  const app = new Hono()
  app.get('/x', guard(resource, { scope: 'events.read' }), c => c.json({ user: c.var.aauth.user?.sub ?? null }))
  // @ts-expect-error: no scope of this resource
  expect(() => guard(resource, { scope: 'events.delete' })).toThrow(TypeError)
})
