import { generateSigningKey, type ReceivedMessage, type ReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asKey } from '@countersign/testing/world/signer'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Counter, memoryCounter, type Resource } from './index.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

const level = { level: 'pseudonymous' } as const
const post = () => world.request({ as: asAgent(world.agent), target: '/x', method: 'POST', body: '{}' })

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

function slowCounter(): Counter {
  const { take, giveBack } = memoryCounter()
  return {
    take: async (...of) => pause(1).then(() => take(...of)),
    giveBack: async (...of) => pause(1).then(() => giveBack(...of)),
  }
}

/** Began long ago, so that the start rule is over. */
function slowReplay(): ReplaySet {
  const set = startedReplaySet(() => world.clock.now)
  return {
    check: async entry => pause(1).then(() => set.check(entry)),
    seen: async entry => pause(1).then(() => set.seen?.(entry) ?? false),
  }
}

/** Repeats an act on many connections. `end` returns its outcomes. */
function repeat<T>(connections: number, act: () => Promise<T>): { end(): Promise<ReadonlySet<T>> } {
  let ends = false
  const outcomes = new Set<T>()
  const all = Array.from({ length: connections }, async () => {
    while (!ends) outcomes.add(await act())
  })
  return {
    async end() {
      ends = true
      await Promise.all(all)
      return outcomes
    },
  }
}

/** The status a request is refused with, 200 for one that passes; each time as another object, as from the wire. */
async function status(resource: Resource<'events.read' | 'events.write'>, message: ReceivedMessage): Promise<number> {
  const authorization = await resource.authorize({ ...message }, level)
  return authorization.ok ? 200 : authorization.response.status
}

describe(verifies('sig.replay.costs-nothing', 'a replay costs nothing to the agent that it was captured from'), () => {
  test('one after the other', async () => {
    const resource = world.calendar({ limits: { identified: '10/min' } })
    const captured = await post()
    expect(await status(resource, captured)).toBe(200)
    for (let replay = 0; replay < 30; replay++) expect(await status(resource, captured)).toBe(401)
    for (let more = 0; more < 9; more++) expect(await status(resource, await post())).toBe(200)
    expect(await status(resource, await post())).toBe(429)
  })

  test('many at once', async () => {
    const resource = world.calendar({ limits: { identified: '10/min', agent: '10/min' } })
    const captured = await post()
    const all = await Promise.all(Array.from({ length: 50 }, () => status(resource, captured)))
    expect(all.filter(one => one === 200)).toHaveLength(1)
    for (let more = 0; more < 9; more++) expect(await status(resource, await post())).toBe(200)
    expect(await status(resource, await post())).toBe(429)
  })

  test('at the resource token endpoint', async () => {
    const resource = world.calendar({ resourceTokenLimit: '3/hour' })
    const ask = () =>
      world.request({
        as: asAgent(world.agent),
        method: 'POST',
        target: '/aauth/resource-token',
        body: 'scope=events.read',
        contentType: 'application/x-www-form-urlencoded',
      })
    const captured = await ask()
    expect((await resource.handle({ ...captured }))?.status).toBe(200)
    for (let replay = 0; replay < 10; replay++) expect((await resource.handle({ ...captured }))?.status).toBe(401)
    expect((await resource.handle(await ask()))?.status).toBe(200)
    expect((await resource.handle(await ask()))?.status).toBe(200)
    expect((await resource.handle(await ask()))?.status).toBe(429)
  })

  test('while they are under way, at a counter and a replay set that are 1 ms away', async () => {
    const resource = world.calendar({ limits: { identified: '15/min' }, counter: slowCounter(), replay: slowReplay() })
    const captured = await post()
    expect(await status(resource, captured)).toBe(200)
    const fresh = await Promise.all(Array.from({ length: 10 }, post))
    // More under way than the limit has left.
    const flood = repeat(20, () => status(resource, captured))
    const answers: number[] = []
    for (const one of fresh) {
      answers.push(await status(resource, one))
      await pause(2)
    }
    expect([...(await flood.end())]).toEqual([401])
    expect(answers).toEqual(Array(10).fill(200))
  })

  test('while they are under way, at the resource token endpoint', async () => {
    const slow = { counter: slowCounter(), replay: slowReplay() }
    const resource = world.calendar({ resourceTokenLimit: '15/hour', ...slow })
    const ask = () =>
      world.request({
        as: asAgent(world.agent),
        method: 'POST',
        target: '/aauth/resource-token',
        body: 'scope=events.read',
        contentType: 'application/x-www-form-urlencoded',
      })
    const captured = await ask()
    expect((await resource.handle({ ...captured }))?.status).toBe(200)
    const fresh = await Promise.all(Array.from({ length: 10 }, ask))
    const flood = repeat(20, async () => (await resource.handle({ ...captured }))?.status)
    const answers: Array<number | undefined> = []
    for (const one of fresh) answers.push((await resource.handle(one))?.status)
    expect([...(await flood.end())]).toEqual([401])
    expect(answers).toEqual(Array(10).fill(200))
  })

  test(
    verifies('RAT-13', 'a captured safe request gets the same resource token again, which counts once'),
    async () => {
      const resource = world.calendar({ resourceTokenLimit: '3/hour', counter: slowCounter() })
      const get = (target: string) => world.request({ as: asAgent(world.agent), target })
      const ask = async (message: ReceivedMessage): Promise<string> => {
        const authorization = await resource.authorize({ ...message }, { scope: 'events.read' })
        if (authorization.ok) return 'passed'
        const { status: code, headers } = authorization.response
        return code === 401 ? (headers.get('agent-auth') ?? '') : String(code)
      }
      const captured = await get('/x')
      const first = await Promise.all(Array.from({ length: 20 }, () => ask(captured)))
      for (let repeats = 0; repeats < 20; repeats++) first.push(await ask(captured))
      expect(new Set(first).size).toBe(1)
      expect(first[0]).toContain('resource_token')
      // Its agent's own, each of which counts.
      const own = [await ask(await get('/y')), await ask(await get('/z')), await ask(await get('/w'))]
      expect(own.map(answer => (answer === '429' ? answer : 'token'))).toEqual(['token', 'token', '429'])
      expect(new Set([...first, ...own]).size).toBe(4)
      // What was refused over the limit is not remembered as a token; the one that was given still is.
      expect(await ask(captured)).toBe(first[0])
    },
  )

  test('a set that cannot be asked before the count still refuses replays, and gives back', async () => {
    const { check } = startedReplaySet(() => world.clock.now)
    const resource = world.calendar({ limits: { identified: '2/min' }, replay: { check } })
    const captured = await post()
    expect(await status(resource, captured)).toBe(200)
    for (let replay = 0; replay < 5; replay++) expect(await status(resource, captured)).toBe(401)
    expect([await status(resource, await post()), await status(resource, await post())]).toEqual([200, 429])
  })

  test('with a counter that gives nothing back, those that come at once with the first stay counted', async () => {
    const counter = memoryCounter()
    const resource = world.calendar({ limits: { identified: '2/min' }, counter: { take: counter.take } })
    const captured = await post()
    const both = await Promise.all([status(resource, captured), status(resource, captured)])
    expect(both.toSorted((a, b) => a - b)).toEqual([200, 401])
    expect(await status(resource, await post())).toBe(429)
  })
})

describe(verifies('rate.failures', 'what fails verification costs its network'), () => {
  const from = async (peer: string, o: { forged?: boolean } = {}): Promise<ReceivedMessage> => {
    const message = await world.request({ as: asKey(await generateSigningKey()), target: '/x' })
    const target = o.forged === true ? '/other' : message.target
    return { ...message, target, peer }
  }

  test('past the limit its signed requests are 429, and no other network’s', async () => {
    const resource = world.calendar({ failureLimit: '3/min' })
    for (let one = 0; one < 3; one++) {
      expect(await status(resource, await from('203.0.113.7'))).toBe(200)
      expect(await status(resource, await from('203.0.113.7', { forged: true }))).toBe(401)
    }
    const refused = await resource.authorize(await from('203.0.113.7'), level)
    const { status: code, headers } = refused.ok ? new Response() : refused.response
    expect([code, headers.get('agent-auth')]).toEqual([429, null])
    expect(refused.ok ? undefined : await refused.response.json()).toMatchObject({ reason: 'failures_exceeded' })
    expect(await status(resource, await from('203.0.113.8'))).toBe(200)
    const unsigned = { ...(await from('203.0.113.7')), headers: [['host', 'calendar.example']] as const }
    const anonymous = await resource.authorize(unsigned, { level: 'anonymous' })
    expect(anonymous.ok).toBe(true)
  })

  test('of many at once no more are verified than may fail', async () => {
    const resource = world.calendar({ failureLimit: '3/min' })
    const forged = await Promise.all(Array.from({ length: 20 }, () => from('203.0.113.7', { forged: true })))
    const all = await Promise.all(forged.map(message => status(resource, message)))
    expect(all.filter(one => one === 401)).toHaveLength(3)
    expect(all.filter(one => one === 429)).toHaveLength(17)
  })

  test('replays are failures of the network that sends them', async () => {
    const resource = world.calendar({ failureLimit: '3/min', limits: { identified: '100/min' } })
    const captured = await post()
    expect(await status(resource, captured)).toBe(200)
    const replay = { ...captured, peer: '203.0.113.9' }
    const all: number[] = []
    for (let one = 0; one < 5; one++) all.push(await status(resource, replay))
    expect(all).toEqual([401, 401, 401, 429, 429])
    expect(await status(resource, await post())).toBe(200)
  })

  test('without trusted proxies a private address may be one, and is not counted', async () => {
    const lax = world.calendar({ failureLimit: '1/min' })
    const strict = world.calendar({ failureLimit: '1/min', trustedProxies: ['10.0.0.1'] })
    const failures = async (resource: Resource<'events.read' | 'events.write'>) => {
      const all: number[] = []
      for (let one = 0; one < 3; one++) all.push(await status(resource, await from('10.0.0.2', { forged: true })))
      return all
    }
    expect(await failures(lax)).toEqual([401, 401, 401])
    expect(await failures(strict)).toEqual([401, 429, 429])
  })

  test('is off by default', async () => {
    const resource = world.calendar()
    for (let one = 0; one < 30; one++)
      expect(await status(resource, await from('203.0.113.7', { forged: true }))).toBe(401)
  })

  test('strangers grow it to no more than 10 000 networks', async () => {
    const { createFailures } = await import('./guard/failures.js')
    const failures = createFailures({ count: 1, seconds: 60 }, { privatePeers: true })
    const signed = { ...(await from('203.0.113.7')) }
    const enter = (peer: string): void => void failures.enter(signed, peer)
    for (let one = 0; one < 30_000; one++) enter(`2001:${(one >> 8).toString(16)}:${one & 255}::1`)
    expect(failures.size).toBeLessThanOrEqual(10_001)
    expect(() => enter('2001:75:47::1')).toThrow()
  })

  test('the networks of one /48 or /24 have the share of ten', async () => {
    const { createFailures } = await import('./guard/failures.js')
    const signed = await from('203.0.113.7')
    const networks = [
      { in: (n: number) => `2001:db8:7:${n.toString(16)}::1`, other: '2001:db8:8::1' },
      { in: (n: number) => `198.51.100.${n}`, other: '198.51.101.1' },
    ]
    for (const network of networks) {
      const failures = createFailures({ count: 3, seconds: 60 }, { privatePeers: true })
      for (let one = 0; one < 30; one++) failures.enter(signed, network.in(one))
      expect(() => failures.enter(signed, network.in(31))).toThrow('Too many requests of this network')
      failures.enter(signed, network.other)
    }
  })

  test('a crowd of the networks of one /48 pushes out no other network’s count', async () => {
    const { createFailures } = await import('./guard/failures.js')
    const failures = createFailures({ count: 2000, seconds: 60 }, { privatePeers: true })
    const signed = await from('203.0.113.7')
    for (let one = 0; one < 2000; one++) failures.enter(signed, '203.0.113.7')
    for (let one = 0; one < 20_000; one++) failures.enter(signed, `2001:db8:7:${one.toString(16)}::1`)
    expect(() => failures.enter(signed, '203.0.113.7')).toThrow('Too many requests of this network')
    failures.enter(signed, '203.0.113.8')
  })
})
