import { createServer } from 'node:net'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { createDiscovery } from './index.js'
import { guardedFetcher } from './node.js'
import { type Hanging, hanging, publish, published, type Web, web } from './web.test.fixture.js'

const k1 = await generateSigningKey()
let on: Web
let net: Hanging
beforeEach(() => {
  on = web()
  on.delay = 20
  net = hanging(on)
})

const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))
/** The fetches under way from hosts that hang. */
const held = (site = '') => net.asked.filter(url => url.includes('hang') && url.includes(site)).length - net.ended

/** Fetches an honest unknown agent; resolves with the seconds it took. */
async function met(discovery: ReturnType<typeof createDiscovery>, name: string): Promise<number> {
  const id = `https://agent.${name}.example`
  publish(on, id, [published('k1', k1)])
  const began = performance.now()
  expect(
    await discovery.limited(undefined, { network: `192.0.${name.length}.0/24` }).key('aauth-agent', id, 'k1'),
  ).toBeDefined()
  return (performance.now() - began) / 1000
}

test(
  verifies(
    'DOS-20',
    'discovery.shares',
    'during 60 names a second of a domain that hangs, 20 of 20 new agents are fetched in 2 seconds',
  ),
  async () => {
    const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock })
    let name = 0
    const flood: Array<Promise<unknown>> = []
    const more = (): void => {
      const asked = discovery.limited(undefined, { network: '203.0.113.0/24' }).agent(`https://n${name++}.hang.example`)
      flood.push(asked.catch(() => undefined))
    }
    // As many names as five seconds bring, the time until such a fetch is given up.
    for (let i = 0; i < 300; i++) more()
    const timer = setInterval(more, 1000 / 60)
    const seconds: number[] = []
    for (let i = 0; i < 20; i++) {
      seconds.push(await met(discovery, `honest${i}`))
      await pause(10)
    }
    clearInterval(timer)
    expect(held()).toBeLessThanOrEqual(6)
    expect(Math.max(...seconds)).toBeLessThan(2)
    net.goDown()
    await Promise.all(flood)
  },
)

describe(verifies('discovery.shares', 'of 64 slots'), () => {
  test('one site gets six, one network of callers six; a caller without a known network takes a share of its site only', async () => {
    const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock })
    const ask = (id: string, network?: string) =>
      discovery
        .limited(8, { network })
        .agent(id)
        .catch(() => undefined)
    const all = Array.from({ length: 10 }, (_, i) => ask(`https://n${i}.onehang.example`, `203.0.${i}.0/24`))
    await pause(5)
    expect(held('onehang')).toBe(6)
    for (let i = 0; i < 10; i++) all.push(ask(`https://n.two${i}hang.example`, '198.51.100.0/24'))
    await pause(5)
    expect(held('.two')).toBe(6)
    for (let i = 0; i < 10; i++) all.push(ask(`https://n.three${i}hang.example`))
    await pause(5)
    expect(held('.three')).toBe(10)
    net.goDown()
    await Promise.all(all)
  })

  test('the last seven are for sites and networks that hold no slot', async () => {
    const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock })
    const all = Array.from({ length: 12 * 5 }, (_, i) =>
      discovery.agent(`https://n${i % 5}.site${Math.floor(i / 5)}hang.example`).catch(() => undefined),
    )
    await pause(5)
    expect(held()).toBe(58)
    expect(await met(discovery, 'honest')).toBeLessThan(1)
    net.goDown()
    await Promise.all(all)
  })

  test('names on ports of a host leave slots for the host itself', async () => {
    const discovery = createDiscovery({
      fetcher: (url, o) => net.fetcher(new URL(url).port === '' ? url : 'https://port.hang.example/', o),
      now: () => on.clock,
    })
    const all = Array.from({ length: 40 }, (_, i) =>
      discovery.agent(`https://agent.honest.example:${20_000 + i}`).catch(() => undefined),
    )
    await pause(5)
    expect(held()).toBe(3)
    expect(await met(discovery, 'honest')).toBeLessThan(1)
    net.goDown()
    await Promise.all(all)
  })

  test('in development, where all names are on one machine, there are no shares', async () => {
    const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, development: true })
    const all = Array.from({ length: 20 }, (_, i) =>
      discovery
        .limited(8, { network: '127.0.0.0/24' })
        .agent(`https://n${i}.hang.example`)
        .catch(() => undefined),
    )
    await pause(5)
    expect(held()).toBe(20)
    net.goDown()
    await Promise.all(all)
  })

  test('an operator can define what a site is', async () => {
    const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock, siteOf: host => host })
    const all = Array.from({ length: 10 }, (_, i) =>
      discovery.agent(`https://n${i}.hang.example`).catch(() => undefined),
    )
    await pause(5)
    expect(held()).toBe(10)
    net.goDown()
    await Promise.all(all)
  })

  test('a caller that joins a fetch waiting in another network’s share gets a slot from its own share', async () => {
    const discovery = createDiscovery({ fetcher: net.fetcher, now: () => on.clock })
    const from = (network: string) => discovery.limited(8, { network })
    const all = Array.from({ length: 6 }, (_, i) =>
      from('203.0.113.0/24')
        .agent(`https://n.a${i}hang.example`)
        .catch(() => undefined),
    )
    publish(on, 'https://agent.honest.example', [published('k1', k1)])
    const behind = from('203.0.113.0/24').agent('https://agent.honest.example')
    await pause(30)
    expect(net.asked.filter(url => url.includes('honest'))).toEqual([])
    await from('192.0.2.0/24').agent('https://agent.honest.example')
    await behind
    expect(held()).toBe(6)
    net.goDown()
    await Promise.all(all)
  })
})

describe(verifies('discovery.first-byte', 'an unknown participant must begin its response within 2 seconds'), () => {
  test('enforced by the fetcher, which lets a body that has begun go on', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    const slow = createServer(socket => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n')
      setTimeout(() => socket.end('{}'), 400)
    }).listen(0, '127.0.0.1')
    await pause(20)
    const urlOf = (server: typeof silent) => `http://127.0.0.1:${Object(server.address()).port}/`
    const fetcher = guardedFetcher({ dangerouslyAllowLoopback: true })
    const began = performance.now()
    await expect(fetcher(urlOf(silent), { maxBytes: 100, firstByte: 0.2 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    expect(performance.now() - began).toBeLessThan(1500)
    const twin = await fetcher(urlOf(slow), { maxBytes: 100, firstByte: 0.2 })
    expect(new TextDecoder().decode(twin.body)).toBe('{}')
    silent.close()
    slow.close()
  })

  test('passed to the fetcher for unknown participants only', async () => {
    const told: Array<number | undefined> = []
    const discovery = createDiscovery({
      now: () => on.clock,
      fetcher: (url, o) => {
        told.push(o.firstByte)
        return on.fetcher(url, o)
      },
    })
    const id = 'https://agent.honest.example'
    publish(on, id, [published('k1', k1)])
    await discovery.key('aauth-agent', id, 'k1')
    on.clock += 601
    await discovery.key('aauth-agent', id, 'k1')
    expect(told).toEqual([2, 2, undefined, undefined])
  })
})
