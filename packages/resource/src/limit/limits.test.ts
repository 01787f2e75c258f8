import { generateSigningKey, importVerifyKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import type { AuthorizedCaller, IdentifiedCaller } from '@countersign/verify'
import { beforeAll, describe, expect, test } from 'vitest'
import { memoryCounter, type Requirement, type ResourceOptions } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'
import { bucketsOf, parseLimits } from './limits.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

type Need = Requirement<'events.read' | 'events.write'>

/** A route with counters of its own; answers with status, Agent-Auth and whether Retry-After is a number of seconds. */
function route(requirement: Need, options: Partial<ResourceOptions<'events.read' | 'events.write'>> = {}) {
  const resource = world.calendar(options)
  const declared = resource.declare(requirement)
  return async (
    as: Signer | undefined,
    peer: string | undefined = '192.0.2.1',
    headers: ReadonlyArray<readonly [string, string]> = [],
  ) => {
    const wire =
      as === undefined ? { method: 'GET', target: '/x', headers } : await world.request({ as, target: '/x', headers })
    const answer = await resource.authorize(peer === undefined ? wire : { ...wire, peer }, declared)
    if (answer.ok) return 200
    const { response } = answer
    const seconds = Number(response.headers.get('retry-after'))
    if (response.status === 429) expect(Number.isInteger(seconds) && seconds > 0).toBe(true)
    return [response.status, response.headers.get('agent-auth')]
  }
}

const fresh = async () => asKey(await generateSigningKey())

describe('what a 429 advises', () => {
  test(
    verifies('RAT-03', 'challenge.rate-limited', 'error.rate-limited', 'signing, when a key has more room'),
    async () => {
      const call = route({ level: 'anonymous', limits: { anonymous: '2/hour', pseudonymous: '3/hour' } })
      expect([await call(undefined), await call(undefined)]).toEqual([200, 200])
      expect(await call(undefined)).toEqual([429, 'httpsig'])
      const as = await fresh()
      expect([await call(as), await call(as), await call(as)]).toEqual([200, 200, 200])
      expect(await call(as)).toEqual([429, 'httpsig; identity=?1'])
      expect(await call(asAgent(world.agent))).toBe(200)
    },
  )

  test(verifies('RAT-03', 'the first level that has more room'), async () => {
    const call = route({
      level: 'anonymous',
      limits: { anonymous: '1/hour', pseudonymous: '1/hour', identified: '2/hour' },
    })
    expect(await call(undefined)).toBe(200)
    expect(await call(undefined)).toEqual([429, 'httpsig; identity=?1'])
  })

  test(verifies('RAT-04', 'challenge.none-when-final', 'nothing, where no level would help'), async () => {
    const all = { anonymous: '1/hour', pseudonymous: '60/day', identified: '1/hour', authorized: '1/hour' }
    const call = route({ level: 'anonymous', limits: all })
    expect(await call(undefined)).toBe(200)
    expect(await call(undefined)).toEqual([429, 'httpsig'])
    const same = route({ level: 'anonymous', limits: { ...all, pseudonymous: '1/hour' } })
    expect([await same(undefined), await same(undefined)]).toEqual([200, [429, null]])
    const authorized = route({ scope: 'events.read', limits: { authorized: '1/hour' } })
    const token = asHolder(world.delegateKey, await world.authToken())
    expect([await authorized(token), await authorized(token)]).toEqual([200, [429, null]])
  })

  test(
    verifies('challenge.rate-limited', 'an auth token only if the route names a scope, and only to identified callers'),
    async () => {
      const limits = { pseudonymous: '1/hour', identified: '1/hour' }
      const without = route({ level: 'pseudonymous', limits })
      const agent = asAgent(world.agent)
      expect([await without(agent), await without(agent)]).toEqual([200, [429, null]])
      const named = route({ level: 'pseudonymous', scope: 'events.read', limits })
      expect(await named(agent)).toBe(200)
      const answer = await named(agent)
      expect(answer).toEqual([
        429,
        expect.stringMatching(/^httpsig; auth-token; resource_token="[\w.-]+"; auth_server="https:\/\/auth.example"$/),
      ])
      const key = await fresh()
      expect([await named(key), await named(key)]).toEqual([200, [429, null]])
    },
  )
})

describe('what a 429 advises, where another limit than that of the level was exceeded', () => {
  test(verifies('RAT-03', 'a name, to the keys of one network that have used it up together'), async () => {
    const call = route({ level: 'pseudonymous', limits: { network: '1/hour', identified: '2/hour' } })
    expect([await call(await fresh()), await call(await fresh())]).toEqual([200, [429, 'httpsig; identity=?1']])
    const final = route({ level: 'pseudonymous', limits: { network: '2/hour', identified: '1/hour' } })
    expect([await final(await fresh()), await final(await fresh())]).toEqual([200, 200])
    expect(await final(await fresh())).toEqual([429, null])
  })

  test(verifies('RAT-03', 'an auth token, to the delegates of one agent'), async () => {
    const limits = { identified: '5/hour', agent: '1/hour', authorized: '2/hour' }
    const call = route({ level: 'identified', scope: 'events.read', limits })
    const delegate = async (sub: string) => asHolder(world.delegateKey, await world.agentToken({ sub }))
    expect(await call(await delegate('phone'))).toBe(200)
    expect(await call(await delegate('laptop'))).toEqual([429, expect.stringContaining('auth-token')])
  })
})

test('a message is counted once, however many guards it meets, and what refused it once refuses it again', async () => {
  const resource = world.calendar({ limits: { anonymous: '2/hour' } })
  const [outer, inner] = [resource.declare({ level: 'anonymous' }), resource.declare({ level: 'anonymous' })]
  const own = resource.declare({ level: 'anonymous', limits: { anonymous: '1/hour' } })
  const through = async (message: { readonly peer: string }) => {
    const wire = { method: 'GET', target: '/x', headers: [], ...message }
    const verdicts: boolean[] = []
    for (const need of [outer, inner, inner]) verdicts.push((await resource.authorize(wire, need)).ok)
    return [...verdicts, (await resource.authorize(wire, own)).ok]
  }
  expect(await through({ peer: '192.0.2.1' })).toEqual([true, true, true, true])
  expect(await through({ peer: '192.0.2.1' })).toEqual([true, true, true, false])
  expect(await through({ peer: '192.0.2.1' })).toEqual([false, false, false, false])
  expect(await through({ peer: '192.0.2.2' })).toEqual([true, true, true, true])
})

describe('what is counted', () => {
  test(
    verifies('RAT-01', 'rate.pseudonymous', 'fresh keys of one network together, and one key wherever it is'),
    async () => {
      const call = route({ level: 'pseudonymous', limits: { pseudonymous: '2/hour' } })
      expect([await call(await fresh(), '192.0.2.1'), await call(await fresh(), '192.0.2.1')]).toEqual([200, 200])
      expect(await call(await fresh(), '192.0.2.1')).toEqual([429, 'httpsig; identity=?1'])
      const key = await fresh()
      expect([await call(key, '192.0.2.2'), await call(key, '192.0.2.3')]).toEqual([200, 200])
      expect(await call(key, '192.0.2.4')).toEqual([429, 'httpsig; identity=?1'])
    },
  )

  test(
    verifies('RAT-01', 'rate.pseudonymous', 'no flood of fresh keys makes a full counter forget its network'),
    async () => {
      const limits = { pseudonymous: '2/hour' }
      const call = route({ level: 'pseudonymous', limits }, { counter: memoryCounter({ capacity: 5 }) })
      const outcomes: unknown[] = []
      for (let n = 0; n < 12; n++) outcomes.push(await call(await fresh()))
      expect(outcomes.filter(outcome => outcome === 200).length).toBe(2)
      expect(await call(await fresh(), '192.0.2.2')).toBe(200)
    },
  )

  test(verifies('RAT-02', 'rate.anonymous', 'the peer, by /64, whatever headers say'), async () => {
    const call = route({ level: 'anonymous', limits: { anonymous: '2/hour' } })
    const spoofed: Array<[string, string]> = [
      ['x-forwarded-for', '198.51.100.7'],
      ['forwarded', 'for=198.51.100.8'],
      ['true-client-ip', '198.51.100.9'],
    ]
    expect([await call(undefined, '2001:db8::1'), await call(undefined, '2001:db8::ffff:2', spoofed)]).toEqual([
      200, 200,
    ])
    expect(await call(undefined, '2001:db8:0:0:9::3', spoofed)).toEqual([429, 'httpsig'])
    expect(await call(undefined, '2001:db8:0:1::1')).toBe(200)
    expect([await call(undefined, '::ffff:192.0.2.9'), await call(undefined, '192.0.2.9')]).toEqual([200, 200])
    expect(await call(undefined, '::ffff:192.0.2.9')).toEqual([429, 'httpsig'])
  })

  test(verifies('rate.anonymous', 'callers without a known address share one count'), async () => {
    const call = route({ level: 'anonymous', limits: { anonymous: '1/hour' } })
    const resource = world.calendar()
    expect(await call(undefined, '')).toBe(200)
    expect(await call(undefined, '')).toEqual([429, 'httpsig'])
    const message = () => ({ method: 'GET', target: '/x', headers: [] })
    const need = { level: 'anonymous', limits: { anonymous: '1/hour' } } as const
    expect((await resource.authorize(message(), need)).ok).toBe(true)
    expect((await resource.authorize(message(), need)).ok).toBe(false)
  })

  test(verifies('rate.identified', 'delegates of one agent together, and each for itself'), async () => {
    const call = route({ level: 'identified', limits: { identified: '2/hour', agent: '3/hour' } })
    const delegate = async (sub: string, by = world.agent) =>
      asHolder(world.delegateKey, await world.agentToken({ sub }, by))
    expect([await call(await delegate('phone')), await call(await delegate('phone'))]).toEqual([200, 200])
    expect(await call(await delegate('phone'))).toEqual([429, null])
    expect(await call(await delegate('laptop'))).toBe(200)
    expect(await call(await delegate('tablet'))).toEqual([429, null])
    expect(await call(await delegate('phone', world.otherAgent))).toBe(200)
  })

  test(
    verifies('RAT-01', 'rate.identified', 'no flood of fresh delegates makes a full counter forget their agent'),
    async () => {
      const limits = { identified: '2/hour' }
      const call = route({ level: 'identified', limits }, { counter: memoryCounter({ capacity: 5 }) })
      const delegate = async (sub: string, by = world.agent) =>
        asHolder(world.delegateKey, await world.agentToken({ sub }, by))
      const outcomes: unknown[] = []
      for (let n = 0; n < 12; n++) outcomes.push(await call(await delegate(`fresh-${n}`)))
      expect(outcomes.filter(outcome => outcome === 200).length).toBe(2)
      expect(await call(await delegate('phone', world.otherAgent))).toBe(200)
    },
  )

  test(verifies('rate.identified', 'a delegate past its own limit uses up nothing of its agent’s'), async () => {
    const call = route({ level: 'identified', limits: { identified: '1/hour', agent: '2/hour' } })
    const delegate = async (sub: string) => asHolder(world.delegateKey, await world.agentToken({ sub }))
    expect(await call(await delegate('phone'))).toBe(200)
    for (let n = 0; n < 5; n++) expect(await call(await delegate('phone'))).toEqual([429, null])
    expect(await call(await delegate('laptop'))).toBe(200)
    expect(await call(await delegate('tablet'))).toEqual([429, null])
  })

  test(verifies('rate.authorized', 'each user of each agent'), async () => {
    const call = route({ scope: 'events.read', limits: { authorized: '1/hour' } })
    const as = async (claims: object) => asHolder(world.delegateKey, await world.authToken({ ...claims }))
    expect([await call(await as({ sub: 'alice' })), await call(await as({ sub: 'bob' }))]).toEqual([200, 200])
    expect(await call(await as({ sub: 'alice', agent_delegate: 'laptop' }))).toEqual([429, null])
    expect(await call(await as({ sub: 'alice', agent: world.otherAgent.id }))).toBe(200)
  })

  test(
    verifies('RAT-12', 'a route has one count, however its path is written; other routes have their own'),
    async () => {
      const resource = world.calendar({ limits: { anonymous: '3/hour' } })
      const need: Need = { level: 'anonymous', limits: { anonymous: '1/hour' } }
      const [a, b, shared] = [resource.declare(need), resource.declare(need), resource.declare({ level: 'anonymous' })]
      const call = async (target: string, requirement: Need) =>
        (await resource.authorize({ method: 'GET', target, headers: [] }, requirement)).ok
      expect([await call('/p', a), await call('/p/', a), await call('/%70', a)]).toEqual([true, false, false])
      expect(await call('/q', b)).toBe(true)
      for (let n = 0; n < 3; n++) expect(await call('/r', shared)).toBe(true)
      expect(await call('/r', shared)).toBe(false)
    },
  )

  test(verifies('RAT-12', 'a requirement written anew at each call is still one count'), async () => {
    const resource = world.calendar()
    const call = async () =>
      (
        await resource.authorize(
          { method: 'GET', target: '/p', headers: [] },
          { level: 'anonymous', limits: { anonymous: '1/hour' } },
        )
      ).ok
    expect([await call(), await call()]).toEqual([true, false])
  })

  test(verifies('RAT-08', 'no character in a name makes two callers one'), async () => {
    const key = await importVerifyKey((await generateSigningKey()).publicJwk)
    const limits = parseLimits({ identified: '1/min', authorized: '1/min' }, '')
    const identified = (agent: string, delegate: string): IdentifiedCaller => ({
      level: 'identified',
      agent,
      delegate,
      key,
    })
    const authorized = (issuer: string, sub: string, agent: string) =>
      ({ level: 'authorized', issuer, agent, key, scope: [], token: { sub } }) as unknown as AuthorizedCaller
    const odd = ['a:b', 'a\nb', 'a\u0000b', 'a","b', 'a', 'b', '', 'x'.repeat(512)]
    const keys = odd
      .flatMap(one => odd.flatMap(two => [identified(one, two), authorized(one, two, 'c'), authorized('c', one, two)]))
      .map(caller => bucketsOf(caller, limits)[0]?.key)
    expect(new Set(keys).size).toBe(3 * odd.length ** 2 - odd.filter(one => one === 'c').length)
  })
})

describe('the counter', () => {
  const rate = { count: 2, seconds: 60 }

  test('counts in windows', async () => {
    const counter = memoryCounter()
    expect([
      (await counter.take('a', rate)).within,
      (await counter.take('a', rate)).within,
      (await counter.take('a', rate)).within,
    ]).toEqual([true, true, false])
    const { within, seconds } = await counter.take('b', rate)
    expect([within, seconds > 59 && seconds <= 60]).toEqual([true, true])
    const short = { count: 1, seconds: 0.05 }
    expect([(await counter.take('c', short)).within, (await counter.take('c', short)).within]).toEqual([true, false])
    await new Promise(resolve => setTimeout(resolve, 80))
    expect((await counter.take('c', short)).within).toBe(true)
  })

  test('forgets the oldest when full', async () => {
    const counter = memoryCounter({ capacity: 2 })
    for (const key of ['a', 'a', 'b', 'b']) await counter.take(key, rate)
    await counter.take('c', rate)
    expect((await counter.take('b', rate)).within).toBe(false)
    expect((await counter.take('a', rate)).within).toBe(true)
    expect(() => memoryCounter({ capacity: 0 })).toThrow(RangeError)
  })
})
