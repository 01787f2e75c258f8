import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Discovery, DiscoveryEvent } from './index.js'
import { discoveryOf, publish, published, urlsOf, type Web, web } from './web.test.fixture.js'

const id = 'https://agent.example'
const urls = urlsOf(id)
const [k1, k2] = await Promise.all([generateSigningKey(), generateSigningKey()])
const wrong = { name: 'AAuthError', code: 'discovery_failed', status: 401 }
const away = { name: 'AAuthError', code: 'discovery_failed', status: 503 }

let on: Web
let discovery: Discovery
beforeEach(() => {
  on = web()
  publish(on, id, [published('k1', k1)])
  discovery = discoveryOf(on)
})
const key = (kid = 'k1', of = id) => discovery.key('aauth-agent', of, kid)

describe('freshness', () => {
  const lifetimes: ReadonlyArray<readonly [string, string | undefined, number]> = [
    [verifies('DSC-26', 'discovery.cache', 'the floor'), 'no-store, max-age=0', 30],
    [verifies('DSC-26', 'no-cache'), 'no-cache, max-age=500', 30],
    [verifies('DSC-26', 'zero'), 'max-age=0', 30],
    [verifies('DSC-26', 'negative'), 'max-age=-1', 30],
    [verifies('DSC-26', 'unreadable'), 'max-age=soon', 30],
    [verifies('DSC-26', 'said twice'), 'max-age=500, max-age=1', 30],
    [verifies('discovery.cache', 'as said'), 'public, max-age=120', 120],
    [verifies('discovery.cache', 'any case, quoted'), 'Max-Age="120"', 120],
    [verifies('DSC-27', 'discovery.cache', 'the cap'), 'max-age=31536000, immutable', 600],
    [verifies('DSC-27', 'beyond every number'), `max-age=${'9'.repeat(15)}`, 600],
    [verifies('discovery.cache', 'nothing said'), undefined, 300],
    [verifies('discovery.cache', 'something else said'), 'public', 300],
  ]
  test.each(lifetimes)('%s: %s', async (_, cacheControl, seconds) => {
    publish(on, id, [published('k1', k1)], cacheControl === undefined ? {} : { cacheControl })
    await key()
    on.clock += seconds - 1
    await key()
    expect(on.fetched.length).toBe(2)
    on.clock += 1
    await key()
    expect(on.fetched.length).toBe(4)
  })

  test('a clock that is set back keeps no document fresh for ever', async () => {
    await key()
    on.clock -= 1_000_000
    await key()
    expect(on.fetched.length).toBe(4)
  })
})

test(
  verifies('DSC-29', 'discovery.cache', 'a removed key stops working within 10 minutes, or at once after a purge'),
  async () => {
    publish(on, id, [published('k1', k1), published('k2', k2)], { cacheControl: 'max-age=31536000' })
    expect(await key('k1')).toBeDefined()
    publish(on, id, [published('k2', k2)], { cacheControl: 'max-age=31536000' })
    const purged = discoveryOf(on)
    on.clock += 599
    expect(await key('k1')).toBeDefined()
    on.clock += 1
    expect(await key('k1')).toBeUndefined()
    expect(await key('k2')).toBeDefined()

    publish(on, id, [published('k1', k1), published('k2', k2)])
    expect(await purged.key('aauth-agent', id, 'k1')).toBeDefined()
    publish(on, id, [published('k2', k2)])
    expect(await purged.key('aauth-agent', id, 'k1')).toBeDefined()
    purged.purge(id)
    expect(await purged.key('aauth-agent', id, 'k1')).toBeUndefined()
    expect(await purged.key('aauth-agent', id, 'k2')).toBeDefined()
  },
)

test(verifies('DSC-29', 'a fetch that began before a purge does not fill the cache after it'), async () => {
  on.delay = 20
  const early = key('k1')
  await new Promise(resolve => setTimeout(resolve, 30))
  discovery.purge(id)
  publish(on, id, [published('k2', k2)])
  const late = key('k2')
  await early
  expect(await late).toBeDefined()
  expect(await key('k1')).toBeUndefined()
})

describe('one fetch per URL', () => {
  test(verifies('DSC-25', 'discovery.single-flight', '500 first requests fetch each document once'), async () => {
    on.delay = 10
    const found = await Promise.all(Array.from({ length: 500 }, () => key()))
    expect(new Set(found).size).toBe(1)
    expect(on.fetched).toEqual([urls.metadata, urls.jwks])
  })

  test(
    verifies('discovery.single-flight', 'two identifiers with the same JWKS that are looked up at once fetch it once'),
    async () => {
      on.delay = 10
      const other = 'https://other.example'
      on.answers.set(urlsOf(other).metadata, { body: { issuer: other, agent: other, jwks_uri: urls.jwks } })
      const [mine, theirs] = await Promise.all([key('k1'), key('k1', other)])
      expect(mine?.publicJwk).toEqual(theirs?.publicJwk)
      expect(on.fetched.filter(url => url === urls.jwks).length).toBe(1)
    },
  )

  test(
    verifies('DSC-25', 'discovery.failures', 'a failed fetch fails for all its callers, and is remembered for 5 s'),
    async () => {
      on.delay = 10
      on.answers.set(urls.metadata, new Error('down'))
      const outcomes = await Promise.allSettled(Array.from({ length: 500 }, () => key()))
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: away })
      expect(on.fetched.length).toBe(1)
      publish(on, id, [published('k1', k1)])
      on.clock += 4.9
      await expect(key()).rejects.toMatchObject(away)
      expect(on.fetched.length).toBe(1)
      on.clock += 0.1
      expect(await key()).toBeDefined()
    },
  )
})

describe('an unreachable host', () => {
  const down = () => {
    for (const url of Object.values(urls)) on.answers.set(url, new Error('down'))
  }

  test(
    verifies('DSC-28', 'discovery.stale', 'has its last document served for up to 1 h after the last fetch, then 503'),
    async () => {
      const known = await key()
      down()
      on.clock += 3599
      expect(await key()).toBe(known)
      on.clock += 1
      await expect(key()).rejects.toMatchObject({ ...away, retryAfter: 5 })
      publish(on, id, [published('k1', k1)])
      on.clock += 5
      expect(await key()).toBeDefined()
    },
  )

  test(
    verifies('discovery.stale', 'has its last document served when it answers 500, but not when it answers 404'),
    async () => {
      await key()
      on.clock += 301
      on.answers.set(urls.jwks, { status: 500 })
      expect(await key()).toBeDefined()
      on.clock += 31
      on.answers.set(urls.jwks, { status: 404 })
      await expect(key()).rejects.toMatchObject(wrong)
      on.clock += 6
      on.answers.set(urls.jwks, { status: 500 })
      await expect(key()).rejects.toMatchObject(away)
    },
  )

  test(
    verifies('DSC-29', 'discovery.stale', 'is asked before its old document is served, once it is reachable again'),
    async () => {
      publish(on, id, [published('k1', k1), published('k2', k2)])
      await key()
      down()
      on.clock += 301
      expect(await key()).toBeDefined()
      publish(on, id, [published('k2', k2)])
      on.clock += 1800
      expect(await key()).toBeUndefined()
      expect(await key('k2')).toBeDefined()
    },
  )

  test(
    verifies('discovery.failures', 'is asked once in 5 s, and no caller waits that can get the old document'),
    async () => {
      await key()
      down()
      on.clock += 301
      await key()
      const before = on.fetched.length
      for (let i = 0; i < 50; i++) await key()
      expect(on.fetched.length).toBe(before)
      on.clock += 6
      on.delay = 1000
      const began = performance.now()
      expect(await key()).toBeDefined()
      expect(performance.now() - began).toBeLessThan(900)
      expect(on.fetched.length).toBeGreaterThan(before)
    },
  )
})

describe('a document that turns to garbage', () => {
  const spoilt: ReadonlyArray<readonly [string, Parameters<typeof on.answers.set>[1]]> = [
    ['an HTML page', { contentType: 'text/html', body: '<html>' }],
    ['half of its JSON', { body: '{"keys":[' }],
    ['JSON of another kind', { body: ['keys'] }],
    ['an empty set', { body: { keys: [] } }],
  ]

  test.each(spoilt)(
    verifies(
      'DSC-38',
      'discovery.garbage',
      '%s in place of the keys: the last good set is served for up to 1 h, with an alarm',
    ),
    async (_, answer) => {
      const told: DiscoveryEvent[] = []
      const alarms = (): DiscoveryEvent[] => told.splice(0).filter(event => event.type === 'alarm')
      const listening = discoveryOf(on, { onEvent: event => told.push(event) })
      const find = (kid = 'k1') => listening.key('aauth-agent', id, kid)
      const known = await find()
      on.answers.set(urls.jwks, answer)
      on.clock += 301
      expect(await find()).toBe(known)
      expect(alarms()).toEqual([{ type: 'alarm', reason: 'garbage', document: 'aauth-agent', id, part: 'jwks' }])
      // A lookup of an unknown kid does not end the stale document for the known kid.
      on.clock += 31
      await expect(find('invented')).rejects.toMatchObject(wrong)
      expect(await find()).toBe(known)
      on.clock += 3599 - 332
      expect(await find()).toBe(known)
      on.clock += 1
      await expect(find()).rejects.toMatchObject(wrong)
      publish(on, id, [published('k1', k1)])
      on.clock += 6
      expect(await find()).toBeDefined()
      expect(alarms().length).toBeGreaterThan(0)
      expect(await find()).toBeDefined()
      expect(alarms()).toEqual([])
    },
  )

  test(verifies('DSC-38', 'a valid key set without a key takes effect at once, also after garbage'), async () => {
    publish(on, id, [published('k1', k1), published('k2', k2)])
    await key()
    on.answers.set(urls.jwks, { body: 'garbage' })
    on.clock += 301
    expect(await key()).toBeDefined()
    publish(on, id, [published('k2', k2)])
    on.clock += 31
    expect(await key()).toBeUndefined()
    expect(await key('k2')).toBeDefined()
  })

  test(verifies('DSC-38', 'metadata, too: the last good ones are served for up to 1 h'), async () => {
    await key()
    on.answers.set(urls.metadata, { body: { issuer: id, agent: 'https://other.example', jwks_uri: urls.jwks } })
    on.clock += 601
    expect(await key()).toBeDefined()
    on.clock += 3600 - 601
    await expect(key()).rejects.toMatchObject(wrong)
  })

  test('is refused when no good document came before', async () => {
    for (const [, answer] of spoilt) {
      on.answers.set(urls.jwks, answer)
      await expect(discoveryOf(on).key('aauth-agent', id, 'k1')).rejects.toMatchObject(wrong)
    }
  })
})

describe(verifies('discovery.bounded', 'the cache is bounded'), () => {
  const ids = ['https://a.example', 'https://b.example', 'https://c.example'] as const

  test('by entries: the least recently used one is evicted', async () => {
    discovery = discoveryOf(on, { maxEntries: 2 })
    for (const each of ids) publish(on, each, [published('k1', k1)])
    const [a, b, c] = ids
    for (const each of [a, b, a, c]) await discovery.agent(each)
    expect(on.fetched.length).toBe(3)
    await discovery.agent(a)
    expect(on.fetched.length).toBe(3)
    await discovery.agent(b)
    expect(on.fetched.length).toBe(4)
  })

  test('by the memory of parsed documents: large ones evict each other, but no small one and none of another role', async () => {
    // 60 KiB of text each that parse to megabytes of empty objects.
    const crowd = Array(20_000).fill({})
    const issuer = { issuer: id, jwks_uri: urls.jwks, agent_token_endpoint: `${id}/token` }
    on.answers.set(`${id}/.well-known/aauth-issuer`, { body: issuer })
    await discovery.authServer(id)
    await key()
    for (let i = 0; i < 20; i++) {
      const each = `https://a${i}.example`
      publish(on, each, [published('k1', k1), ...crowd])
      await key('k1', each)
    }
    const before = on.fetched.length
    await key('k1', 'https://a19.example')
    await discovery.authServer(id)
    await key()
    expect(on.fetched.length).toBe(before)
    await key('k1', 'https://a0.example')
    expect(on.fetched.length).toBe(before + 2)
  })

  test('an invalid bound throws at construction', () => {
    for (const maxEntries of [0, -1, 1.5, Number.NaN]) expect(() => discoveryOf(on, { maxEntries })).toThrow(RangeError)
  })
})

describe('a budget for one inbound request', () => {
  const agents = Array.from({ length: 9 }, (_, i) => `https://a${i}.example`)
  const description = 'The request would cause more fetches than one request may.'
  const spent = { ...wrong, reason: 'fetches_exceeded', description }
  beforeEach(() => {
    for (const each of agents) publish(on, each, [published('k1', k1)])
  })

  test(verifies('DSC-32', 'discovery.budget', 'is 8 fetches; the ninth is refused without a packet'), async () => {
    const view = discovery.limited()
    for (const each of agents.slice(0, 8)) await view.agent(each)
    const [last = ''] = agents.slice(8)
    await expect(view.agent(last)).rejects.toMatchObject(spent)
    expect(on.fetched.length).toBe(8)
    // The refusal counts for the request only, not for the identifier.
    expect((await discovery.agent(last)).agent).toBe(last)
  })

  test(
    verifies(
      'discovery.budget',
      'counts the fetches begun for it, failed ones too, but not cached or joined documents',
    ),
    async () => {
      await key()
      const view = discovery.limited(1)
      for (let i = 0; i < 5; i++) await view.key('aauth-agent', id, 'k1')
      on.delay = 10
      const [first = '', second = '', third = ''] = agents
      const elsewhere = discovery.agent(first)
      await Promise.all([view.agent(first), view.agent(first), elsewhere])
      on.answers.set(urlsOf(second).metadata, new Error('down'))
      await expect(view.agent(second)).rejects.toMatchObject(away)
      await expect(view.agent(third)).rejects.toMatchObject(spent)
    },
  )

  test(verifies('discovery.budget', 'is not raised by a view of a view'), async () => {
    const view = discovery.limited(1)
    const [first = '', second = ''] = agents
    await view.limited(8).agent(first)
    await expect(view.limited(8).agent(second)).rejects.toMatchObject(spent)
    expect(() => discovery.limited(-1)).toThrow(RangeError)
  })
})
