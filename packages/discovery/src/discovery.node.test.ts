import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { httpHost, httpsHost, listen, pem } from './host.test.fixture.js'
import { createDiscovery } from './index.js'
import { guardedFetcher } from './node.js'
import { published } from './web.test.fixture.js'

const key = await generateSigningKey()
const type = { 'content-type': 'application/json' }

/** Serves an agent whose JWKS stand wherever `jwksUri` says. */
async function agentHost(o: { id: (port: number) => string; jwksUri: (id: string) => string; tls: boolean }) {
  const requests: string[] = []
  let id = ''
  const listen = o.tls ? httpsHost : httpHost
  const host = await listen((request, response) => {
    requests.push(request.url ?? '')
    const metadata = { issuer: id, agent: id, jwks_uri: o.jwksUri(id) }
    const body = request.url === '/.well-known/aauth-agent' ? metadata : { keys: [published('k1', key)] }
    response.writeHead(200, type).end(JSON.stringify(body))
  })
  id = o.id(host.port)
  return { id, requests, ...host }
}

test(verifies('discovery.guarded', 'over TLS, from a name to the key, each document once'), async () => {
  const host = await agentHost({ id: port => `https://agent.example:${port}`, jwksUri: id => `${id}/jwks`, tls: true })
  const resolve = async () => ['127.0.0.1']
  const fetcher = guardedFetcher({ resolve, ca: pem('authority'), dangerouslyAllowLoopback: true })
  const discovery = createDiscovery({ fetcher })
  const found = await Promise.all(Array.from({ length: 100 }, () => discovery.key('aauth-agent', host.id, 'k1')))
  expect(new Set(found.map(each => each?.thumbprint)).size).toBe(1)
  expect(host.requests).toEqual(['/.well-known/aauth-agent', '/jwks'])

  // The same host with the default guard: no further connection.
  const guarded = createDiscovery({ fetcher: guardedFetcher({ resolve, ca: pem('authority') }) })
  await expect(guarded.agent(host.id)).rejects.toMatchObject({ code: 'discovery_failed', status: 401 })
  expect(host.connections()).toBe(2)
})

test(
  verifies('DSC-19', 'discovery.guarded', 'a jwks_uri with a private address is refused by the same guard'),
  async () => {
    const inside = await httpsHost((_, response) => response.writeHead(200, type).end('{"keys":[]}'))
    for (const target of [`https://localhost:${inside.port}/`, `https://keys.example:${inside.port}/`]) {
      const host = await agentHost({ id: port => `https://agent.example:${port}`, jwksUri: () => target, tls: true })
      const reachesAgent = guardedFetcher({
        dangerouslyAllowLoopback: true,
        ca: pem('authority'),
        resolve: async () => ['127.0.0.1'],
      })
      const guard = guardedFetcher({ resolve: async () => ['127.0.0.1'] })
      const discovery = createDiscovery({
        fetcher: (url, o) => (url.startsWith(host.id) ? reachesAgent(url, o) : guard(url, o)),
      })
      await expect(discovery.key('aauth-agent', host.id, 'k1')).rejects.toMatchObject({ status: 401 })
      const twin = createDiscovery({ fetcher: reachesAgent })
      expect((await twin.agent(host.id)).jwks_uri).toBe(target)
    }
    expect(inside.connections()).toBe(0)
  },
)

test(verifies('id.development.explicit', 'in development a loopback agent is read over plain http'), async () => {
  const host = await agentHost({ id: port => `http://localhost:${port}`, jwksUri: id => `${id}/jwks`, tls: false })
  const fetcher = guardedFetcher({ dangerouslyAllowLoopback: true })
  const development = createDiscovery({ fetcher, development: true })
  expect((await development.key('aauth-agent', host.id, 'k1'))?.publicJwk).toEqual(key.publicJwk)
  const strict = createDiscovery({ fetcher })
  await expect(strict.agent(host.id)).rejects.toMatchObject({ status: 401 })
})

test(
  verifies('DSC-14', 'DSC-25', 'discovery.deadline', 'a host that hangs costs one connection and one deadline'),
  async () => {
    const host = await httpHost(() => undefined)
    const fetcher = guardedFetcher({ dangerouslyAllowLoopback: true, timeout: 0.2 })
    const discovery = createDiscovery({ fetcher, development: true })
    const id = `http://localhost:${host.port}`
    const outcomes = await Promise.allSettled(Array.from({ length: 500 }, () => discovery.agent(id)))
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'discovery_failed', status: 503 } })
    expect(host.connections()).toBe(1)
    await expect.poll(host.open).toBe(0)
  },
)

test(
  verifies('DSC-36', 'discovery.cache', 'no request is conditional, and a 304 or Vary changes no entry'),
  async () => {
    const seen: string[] = []
    let answer: (response: ServerResponse, body: string) => void = (response, body) =>
      response
        .writeHead(200, { ...type, etag: '"v1"', 'last-modified': 'Tue, 24 Nov 2026 00:00:00 GMT', vary: '*' })
        .end(body)
    const host = await httpHost((request, response) => {
      seen.push(...request.rawHeaders.filter((_, i) => i % 2 === 0).map(name => name.toLowerCase()))
      const id = `http://localhost:${host.port}`
      const metadata = { issuer: id, agent: id, jwks_uri: `${id}/jwks` }
      answer(response, JSON.stringify(request.url === '/jwks' ? { keys: [published('k1', key)] } : metadata))
    })
    const id = `http://localhost:${host.port}`
    let now = 1_800_000_000
    const fetcher = guardedFetcher({ dangerouslyAllowLoopback: true })
    const discovery = createDiscovery({ fetcher, development: true, now: () => now })
    const known = await discovery.key('aauth-agent', id, 'k1')
    expect(known?.publicJwk).toEqual(key.publicJwk)
    now += 301
    expect(await discovery.key('aauth-agent', id, 'k1')).toBe(known)
    expect(seen).toContain('accept')
    expect(seen.filter(name => name.startsWith('if-') || name === 'cache-control')).toEqual([])
    // No conditional request was sent: a 304 confirms nothing, whatever it carries.
    now += 301
    answer = response => response.writeHead(304, { ...type, etag: '"v1"', 'cache-control': 'max-age=600' }).end()
    await expect(discovery.key('aauth-agent', id, 'k1')).rejects.toMatchObject({
      code: 'discovery_failed',
      status: 401,
    })
    now += 6
    answer = (response, body) => response.writeHead(200, type).end(body)
    expect((await discovery.key('aauth-agent', id, 'k1'))?.publicJwk).toEqual(key.publicJwk)
  },
)

test(
  verifies(
    'F-49',
    'discovery.https',
    'a certificate that expires: the cached document, then a stale one for 1 h, then 503',
  ),
  async () => {
    const good = { cert: pem('server'), key: pem('server.key') }
    let id = ''
    const server = createServer(good, (request, response) => {
      const metadata = { issuer: id, agent: id, jwks_uri: `${id}/jwks` }
      const body = request.url === '/jwks' ? { keys: [published('k1', key)] } : metadata
      response.writeHead(200, type).end(JSON.stringify(body))
    })
    const host = await listen(server)
    id = `https://agent.example:${host.port}`
    let now = 1_800_000_000
    const fetcher = guardedFetcher({
      resolve: async () => ['127.0.0.1'],
      ca: pem('authority'),
      dangerouslyAllowLoopback: true,
    })
    const discovery = createDiscovery({ fetcher, now: () => now })
    const known = await discovery.key('aauth-agent', id, 'k1')
    expect(known?.publicJwk).toEqual(key.publicJwk)

    server.setSecureContext({ ...good, cert: pem('expired') })
    now += 299
    expect(await discovery.key('aauth-agent', id, 'k1')).toBe(known)
    now += 3300
    expect(await discovery.key('aauth-agent', id, 'k1')).toBe(known)
    now += 1
    await expect(discovery.key('aauth-agent', id, 'k1')).rejects.toMatchObject({
      code: 'discovery_failed',
      status: 503,
    })

    server.setSecureContext(good)
    now += 5
    expect((await discovery.key('aauth-agent', id, 'k1'))?.publicJwk).toEqual(key.publicJwk)
  },
)

describe(
  verifies('F-50', 'discovery.failures', 'a failing resolver costs bounded time, and is asked again after seconds'),
  () => {
    /** A discovery whose resolver does one thing after the other. */
    function resolving(...steps: ReadonlyArray<() => Promise<string[]>>) {
      const state = { asked: 0, now: 1_800_000_000 }
      const fetcher = guardedFetcher({
        ca: pem('authority'),
        dangerouslyAllowLoopback: true,
        timeout: 0.2,
        resolve: () => (steps[Math.min(state.asked++, steps.length - 1)] ?? (async () => []))(),
      })
      return { state, discovery: createDiscovery({ fetcher, now: () => state.now }) }
    }
    const found = async () => ['127.0.0.1']

    test.each([
      ['fails', () => Promise.reject(Object.assign(new Error('queryA ESERVFAIL'), { code: 'ESERVFAIL' })), 503],
      ['never answers', () => new Promise<string[]>(() => undefined), 503],
      ['knows no such name', async () => [], 401],
    ])('%s', async (_, trouble, status) => {
      const host = await agentHost({
        id: port => `https://agent.example:${port}`,
        jwksUri: id => `${id}/jwks`,
        tls: true,
      })
      const { state, discovery } = resolving(trouble, found)
      const began = performance.now()
      const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => discovery.agent(host.id)))
      for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'discovery_failed', status } })
      state.now += 4.9
      await expect(discovery.agent(host.id)).rejects.toMatchObject({ code: 'discovery_failed', status })
      expect(performance.now() - began).toBeLessThan(1500)
      expect([state.asked, host.connections()]).toEqual([1, 0])
      state.now += 0.1
      expect((await discovery.agent(host.id)).agent).toBe(host.id)
    })
  },
)
