import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { createDiscovery, type Fetcher } from './index.js'
import { discoveryOf, publish, published, urlsOf, type Web, web } from './web.test.fixture.js'

const id = 'https://agent.example'
const urls = urlsOf(id)
const k1 = await generateSigningKey()
const away = { name: 'AAuthError', code: 'discovery_failed', status: 503, retryAfter: 5 }
const wrong = { name: 'AAuthError', code: 'discovery_failed', status: 401 }

/** Names in a flood of invented ones. */
const names = process.env['COUNTERSIGN_LONG'] === '1' ? 100_000 : 2000

let on: Web
beforeEach(() => {
  on = web()
  publish(on, id, [published('k1', k1)])
})

/** A fetcher over the web for which hosts of `hang.example` do not answer until they are down, and which counts what is open. */
function hanging() {
  const down = new AbortController()
  const state = {
    open: 0,
    most: 0,
    aborted: 0,
    /** Fetches from hosts that hang which have ended. */
    ended: 0,
    goDown: () => down.abort(),
    asked: [] as string[],
    fetcher: (async (url, o) => {
      state.asked.push(url)
      state.open += 1
      state.most = Math.max(state.most, state.open)
      try {
        if (!new URL(url).hostname.endsWith('hang.example')) return await on.fetcher(url, o)
        return await new Promise<never>((_, reject) => {
          const end = () => {
            state.ended += 1
            reject(new Error('down'))
          }
          if (down.signal.aborted) return end()
          down.signal.addEventListener('abort', end)
          o.signal?.addEventListener('abort', () => {
            state.aborted += 1
            end()
          })
        })
      } finally {
        state.open -= 1
      }
    }) satisfies Fetcher,
  }
  return state
}

const quiet = <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined)
const strangers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `https://a${from + i}.hang.example`)

describe('fetches at the same time are bounded', () => {
  test(
    verifies('DSC-14', 'discovery.deadline', 'a fetcher that never settles costs its deadline, and is told'),
    async () => {
      const net = hanging()
      const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, timeout: 0.05, maxConcurrent: 1 })
      const began = performance.now()
      await expect(discovery.agent('https://a.hang.example')).rejects.toMatchObject(away)
      expect(performance.now() - began).toBeLessThan(1000)
      expect(net.aborted).toBe(1)
      // The one slot is free again.
      expect((await discovery.agent(id)).agent).toBe(id)
      const deaf = createDiscovery({ fetcher: () => new Promise(() => undefined), now: () => on.clock, timeout: 0.05 })
      await expect(deaf.agent(id)).rejects.toMatchObject(away)
    },
  )

  test(
    verifies('discovery.bounded', 'DSC-21', 'so many fly, four times as many wait, the rest are 503 unsent'),
    async () => {
      const net = hanging()
      const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, timeout: 0.2, maxConcurrent: 8 })
      const flood = strangers(100).map(each => discovery.agent(each))
      const outcomes = await Promise.allSettled(flood)
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: away })
      expect(net.most).toBe(8)
      expect(net.asked.length).toBe(8)
      // Who was turned away is not held to have failed: the next request is fetched for.
      const [turnedAway = ''] = strangers(1, 99)
      const again = quiet(discovery.agent(turnedAway))
      await expect.poll(() => net.asked.at(-1)).toBe(urlsOf(turnedAway).metadata)
      await again
    },
  )

  test(verifies('discovery.bounded', 'those that wait are served when a slot is free'), async () => {
    on.delay = 5
    const net = hanging()
    const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, maxConcurrent: 2 })
    const ids = Array.from({ length: 10 }, (_, i) => `https://b${i}.example`)
    for (const each of ids) publish(on, each, [published('k1', k1)])
    const found = await Promise.all(ids.map(each => discovery.key('aauth-agent', each, 'k1')))
    expect(found.every(key => key !== undefined)).toBe(true)
    expect(net.most).toBe(2)
  })

  test('a bound or a timeout that is none is a mistake of the program', () => {
    for (const bound of [0, -1, 1.5, Number.NaN])
      expect(() => discoveryOf(on, { maxConcurrent: bound })).toThrow(RangeError)
    for (const timeout of [0, -1, 61, Number.NaN]) expect(() => discoveryOf(on, { timeout })).toThrow(RangeError)
  })
})

describe('one that hangs slows no other', () => {
  test(
    verifies('discovery.failures', 'of the slots a single host gets an eighth, whatever its ports and paths'),
    async () => {
      const net = hanging()
      const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, maxConcurrent: 16 })
      const ports = Array.from({ length: 200 }, (_, i) => `https://one.hang.example:${20_000 + i}`)
      const flood = Promise.allSettled(ports.map(each => discovery.agent(each)))
      expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
      expect(net.ended).toBe(0)
      expect(net.asked.filter(url => url.includes('hang')).length).toBe(2)
      net.goDown()
      for (const outcome of await flood) expect(outcome).toMatchObject({ reason: away })
    },
  )

  test(
    verifies('F-50', 'discovery.failures', 'a flood of strangers delays no refetch for one that was met'),
    async () => {
      const net = hanging()
      const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, maxConcurrent: 4 })
      const known = await discovery.key('aauth-agent', id, 'k1')
      on.clock += 601
      const flood = Promise.allSettled(strangers(500).map(each => discovery.agent(each)))
      expect(await discovery.key('aauth-agent', id, 'k1')).toBe(known)
      expect(net.ended).toBe(0)
      expect(net.asked.filter(url => url === urls.jwks).length).toBe(2)
      net.goDown()
      await flood
    },
  )

  test(verifies('discovery.failures', 'nor a first fetch in another role'), async () => {
    const net = hanging()
    const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, maxConcurrent: 4 })
    const issuer = { issuer: id, jwks_uri: urls.jwks, agent_token_endpoint: `${id}/token` }
    on.answers.set(`${id}/.well-known/aauth-issuer`, { body: issuer })
    const flood = Promise.allSettled(strangers(500).map(each => discovery.agent(each)))
    expect(await discovery.key('aauth-issuer', id, 'k1')).toBeDefined()
    expect(net.ended).toBe(0)
    net.goDown()
    await flood
  })

  test(
    verifies(
      'discovery.single-flight',
      'a flight that a stranger began, and that waits in a flood, is hastened by whoever has a slot',
    ),
    async () => {
      const net = hanging()
      const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, maxConcurrent: 2 })
      const issuer = { issuer: id, jwks_uri: urls.jwks, agent_token_endpoint: `${id}/token` }
      on.answers.set(`${id}/.well-known/aauth-issuer`, { body: issuer })
      // The agent of the same origin got as far as its metadata; then the flood takes every slot of agents.
      await discovery.agent(id)
      const flood = Promise.allSettled(strangers(4).map(each => discovery.agent(each)))
      const behind = discovery.key('aauth-agent', id, 'k1')
      await new Promise(resolve => setTimeout(resolve, 20))
      expect(net.asked).not.toContain(urls.jwks)
      expect(await discovery.key('aauth-issuer', id, 'k1')).toBeDefined()
      expect(net.ended).toBe(0)
      expect(await behind).toBeDefined()
      expect(net.asked.filter(url => url === urls.jwks).length).toBe(1)
      net.goDown()
      await flood
    },
  )

  test(
    verifies('DSC-21', 'discovery.unknown-kid', 'a refetch that hangs, for random kids, holds up no known kid'),
    async () => {
      const net = hanging()
      const slow = 'https://slow.hang.example'
      const discovery = createDiscovery({
        fetcher: (url, o) =>
          net.asked.length === 0 && url.includes('slow') ? on.fetcher(url, o) : net.fetcher(url, o),
        now: () => on.clock,
      })
      publish(on, slow, [published('k1', k1)])
      const known = await discovery.key('aauth-agent', slow, 'k1')
      expect(known).toBeDefined()
      on.clock += 31
      net.asked.push('from now on it hangs')
      const flood = Promise.allSettled(
        Array.from({ length: 1000 }, (_, i) => discovery.key('aauth-agent', slow, `random-${i}`)),
      )
      for (let i = 0; i < 100; i++) expect(await discovery.key('aauth-agent', slow, 'k1')).toBe(known)
      expect(net.ended).toBe(0)
      net.goDown()
      for (const outcome of await flood)
        expect(outcome).toMatchObject({ reason: { ...away, retryAfter: expect.any(Number) } })
      expect(net.asked.length).toBe(2)
    },
  )
})

test(
  verifies('DSC-25', 'discovery.bounded', '4096 may wait for one document, the next is told to come back'),
  async () => {
    on.delay = 20
    const discovery = discoveryOf(on)
    const waiting = Array.from({ length: 4096 }, () => discovery.agent(id))
    await expect(discovery.agent(id)).rejects.toMatchObject(away)
    const found = await Promise.all(waiting)
    expect(found.every(each => each.agent === id)).toBe(true)
    expect(on.fetched).toEqual([urls.metadata])
    expect((await discovery.agent(id)).agent).toBe(id)
  },
)

describe(verifies('discovery.bounded', 'a flood of invented identifiers'), () => {
  test(`of ${names} pushes out none that was met, and keeps no more than the bound`, async () => {
    const evicted: string[] = []
    const discovery = discoveryOf(on, {
      maxEntries: 1000,
      onEvent: event => event.type === 'evicted' && evicted.push(event.id),
    })
    const known = await discovery.key('aauth-agent', id, 'k1')
    let failed = 0
    for (let batch = 0; batch < names / 100; batch++) {
      const flood = Array.from({ length: 100 }, (_, i) => `https://x${batch * 100 + i}.example`)
      const outcomes = await Promise.allSettled(flood.map(each => discovery.agent(each)))
      failed += outcomes.filter(outcome => outcome.status === 'rejected').length
    }
    expect(failed).toBe(names)
    expect(evicted.length).toBe(names + 1 - 1000)
    expect(evicted).not.toContain(id)
    const before = on.fetched.length
    expect(await discovery.key('aauth-agent', id, 'k1')).toBe(known)
    expect(on.fetched.length).toBe(before)
  }, 120_000)

  test('of which those turned away do not even push out other newcomers', async () => {
    const net = hanging()
    const evicted: string[] = []
    const discovery = createDiscovery({
      fetcher: net.fetcher,
      now: () => on.clock,
      timeout: 0.1,
      maxConcurrent: 2,
      maxEntries: 20,
      onEvent: event => event.type === 'evicted' && evicted.push(event.id),
    })
    await discovery.agent(id)
    await Promise.allSettled(strangers(1000).map(each => discovery.agent(each)))
    expect(evicted).toEqual([])
  })

  test('of agents that are real leaves newcomers a fifth of the room, and keeps those used last', async () => {
    const discovery = discoveryOf(on, { maxEntries: 10 })
    const ids = Array.from({ length: 12 }, (_, i) => `https://c${i}.example`)
    for (const each of ids) {
      publish(on, each, [published('k1', k1)])
      await discovery.key('aauth-agent', each, 'k1')
      await discovery.key('aauth-agent', 'https://c0.example', 'k1')
    }
    // Ten strangers: two at a time have room, the eight that were met and used last stay.
    for (const each of strangers(10)) await quiet(discovery.agent(each))
    const before = on.fetched.length
    for (const each of ['https://c0.example', ...ids.slice(-7)]) await discovery.key('aauth-agent', each, 'k1')
    expect(on.fetched.length).toBe(before)
    await discovery.key('aauth-agent', 'https://c1.example', 'k1')
    expect(on.fetched.length).toBe(before + 2)
  })
})

test(
  verifies(
    'DSC-21',
    'discovery.unknown-kid',
    'a refetch for an invented kid that finds the set gone ends no fresh key',
  ),
  async () => {
    const discovery = discoveryOf(on)
    const known = await discovery.key('aauth-agent', id, 'k1')
    on.clock += 31
    on.answers.set(urls.jwks, { status: 403 })
    await expect(discovery.key('aauth-agent', id, 'random')).rejects.toMatchObject(wrong)
    expect(await discovery.key('aauth-agent', id, 'k1')).toBe(known)
    // Once it is no longer fresh the host's word counts, and nothing stands in for it even when it then falls silent.
    on.answers.set(urls.jwks, new Error('down'))
    on.clock += 300
    await expect(discovery.key('aauth-agent', id, 'k1')).rejects.toMatchObject(away)
    publish(on, id, [published('k1', k1)])
    on.clock += 5
    expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
  },
)
