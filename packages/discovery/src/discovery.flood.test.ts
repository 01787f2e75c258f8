import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { createDiscovery, type Fetcher } from './index.js'
import {
  discoveryOf,
  hanging,
  publish,
  published,
  quiet,
  strangers,
  urlsOf,
  type Web,
  web,
} from './web.test.fixture.js'

const id = 'https://agent.example'
const urls = urlsOf(id)
const k1 = await generateSigningKey()
const away = {
  name: 'AAuthError',
  code: 'discovery_failed',
  reason: 'participant_unreachable',
  status: 503,
  retryAfter: 5,
}
const wrong = { name: 'AAuthError', code: 'discovery_failed', status: 401 }

let on: Web
beforeEach(() => {
  on = web()
  publish(on, id, [published('k1', k1)])
})

describe('fetches at the same time are bounded', () => {
  test(
    verifies(
      'DSC-14',
      'discovery.deadline',
      'a fetcher that never settles ends at its deadline, and its signal aborts',
    ),
    async () => {
      const net = hanging(on)
      const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, timeout: 0.05, maxConcurrent: 1 })
      const began = performance.now()
      await expect(discovery.agent('https://a.hang.example')).rejects.toMatchObject(away)
      expect(performance.now() - began).toBeLessThan(1000)
      expect(net.aborted).toBe(1)
      // The only slot is free again.
      expect((await discovery.agent(id)).agent).toBe(id)
      const deaf = createDiscovery({ fetcher: () => new Promise(() => undefined), now: () => on.clock, timeout: 0.05 })
      await expect(deaf.agent(id)).rejects.toMatchObject(away)
    },
  )

  test(
    verifies(
      'discovery.bounded',
      'DSC-21',
      'maxConcurrent fetches run, four times as many wait, the rest get 503 without a packet',
    ),
    async () => {
      const net = hanging(on)
      const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, timeout: 0.2, maxConcurrent: 8 })
      const flood = strangers(100).map(each => discovery.agent(each))
      const outcomes = await Promise.allSettled(flood)
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: away })
      expect(net.most).toBe(8)
      expect(net.asked.length).toBe(8)
      // The refused identifiers do not count as failed: the next request for one fetches it.
      const [turnedAway = ''] = strangers(1, 99)
      const again = quiet(discovery.agent(turnedAway))
      await expect.poll(() => net.asked.at(-1)).toBe(urlsOf(turnedAway).metadata)
      await again
    },
  )

  test(verifies('discovery.bounded', 'a waiting fetch runs when a slot is free'), async () => {
    on.delay = 5
    const net = hanging(on)
    const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, maxConcurrent: 2 })
    const ids = Array.from({ length: 10 }, (_, i) => `https://b${i}.example`)
    for (const each of ids) publish(on, each, [published('k1', k1)])
    const found = await Promise.all(ids.map(each => discovery.key('aauth-agent', each, 'k1')))
    expect(found.every(key => key !== undefined)).toBe(true)
    expect(net.most).toBe(2)
  })

  test('an invalid bound or timeout throws at construction', () => {
    for (const bound of [0, -1, 1.5, Number.NaN])
      expect(() => discoveryOf(on, { maxConcurrent: bound })).toThrow(RangeError)
    for (const timeout of [0, -1, 61, Number.NaN]) expect(() => discoveryOf(on, { timeout })).toThrow(RangeError)
  })
})

describe('a host that hangs delays no other', () => {
  test(
    verifies('discovery.failures', 'one origin gets an eighth of the slots, however many identifiers name its paths'),
    async () => {
      const net = hanging(on)
      const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, maxConcurrent: 16 })
      const agents = Array.from({ length: 15 }, (_, i) => `https://b${i}.example`)
      for (const [i, each] of agents.entries()) {
        const metadata = { issuer: each, agent: each, jwks_uri: `https://one.hang.example/set${i}` }
        on.answers.set(urlsOf(each).metadata, { body: metadata })
      }
      const flood = Promise.allSettled(agents.map(each => discovery.key('aauth-agent', each, 'k1')))
      await expect.poll(() => net.asked.filter(url => url.includes('hang')).length).toBe(2)
      expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
      expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
      expect(net.ended).toBe(0)
      expect(net.asked.filter(url => url.includes('hang')).length).toBe(2)
      net.goDown()
      for (const outcome of await flood) expect(outcome).toMatchObject({ reason: away })
    },
  )

  test(
    verifies('discovery.failures', 'other ports of a host that hang do not keep the host from being fetched'),
    async () => {
      const net = hanging(on)
      const fetcher: Fetcher = (url, o) => net.fetcher(new URL(url).port === '' ? url : 'https://port.hang.example/', o)
      const discovery = createDiscovery({ fetcher, now: () => on.clock, maxConcurrent: 16 })
      const ports = Array.from({ length: 12 }, (_, i) => `${id}:${20_000 + i}`)
      const flood = Promise.allSettled(ports.map(each => discovery.agent(each)))
      expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
      expect(net.ended).toBe(0)
      net.goDown()
      for (const outcome of await flood) expect(outcome).toMatchObject({ reason: away })
    },
  )

  test(
    verifies('F-50', 'discovery.failures', 'a flood of unknown identifiers delays no refetch for a known participant'),
    async () => {
      const net = hanging(on)
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

  test(verifies('discovery.failures', 'a flood in one role delays no first fetch in another role'), async () => {
    const net = hanging(on)
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
      'a fetch that a stranger began and that waits in a flood starts when a caller with a free slot joins it',
    ),
    async () => {
      const net = hanging(on)
      const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, maxConcurrent: 2 })
      const issuer = { issuer: id, jwks_uri: urls.jwks, agent_token_endpoint: `${id}/token` }
      on.answers.set(`${id}/.well-known/aauth-issuer`, { body: issuer })
      // The metadata of the agent at the same origin were fetched; then the flood takes every slot of agents.
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
    verifies('DSC-21', 'discovery.unknown-kid', 'a refetch for random kids that hangs delays no known kid'),
    async () => {
      const net = hanging(on)
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

test(verifies('DSC-25', 'discovery.bounded', '4096 callers may wait for one document, the next gets 503'), async () => {
  on.delay = 20
  const discovery = discoveryOf(on)
  const waiting = Array.from({ length: 4096 }, () => discovery.agent(id))
  await expect(discovery.agent(id)).rejects.toMatchObject(away)
  const found = await Promise.all(waiting)
  expect(found.every(each => each.agent === id)).toBe(true)
  expect(on.fetched).toEqual([urls.metadata])
  expect((await discovery.agent(id)).agent).toBe(id)
})

test(
  verifies(
    'DSC-21',
    'discovery.unknown-kid',
    'a refetch for an invented kid that finds the set gone does not end a fresh key',
  ),
  async () => {
    const discovery = discoveryOf(on)
    const known = await discovery.key('aauth-agent', id, 'k1')
    on.clock += 31
    on.answers.set(urls.jwks, { status: 403 })
    await expect(discovery.key('aauth-agent', id, 'random')).rejects.toMatchObject(wrong)
    expect(await discovery.key('aauth-agent', id, 'k1')).toBe(known)
    // Once the document is no longer fresh it stays withdrawn, even when the host then becomes unreachable.
    on.answers.set(urls.jwks, new Error('down'))
    on.clock += 300
    await expect(discovery.key('aauth-agent', id, 'k1')).rejects.toMatchObject(away)
    publish(on, id, [published('k1', k1)])
    on.clock += 5
    expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
  },
)
