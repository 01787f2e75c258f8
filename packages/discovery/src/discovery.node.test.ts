import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { httpHost, httpsHost, pem } from './host.test.fixture.js'
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

  // The same host behind the guard as it is by default: not one connection more.
  const guarded = createDiscovery({ fetcher: guardedFetcher({ resolve, ca: pem('authority') }) })
  await expect(guarded.agent(host.id)).rejects.toMatchObject({ code: 'discovery_failed', status: 401 })
  expect(host.connections()).toBe(2)
})

test(
  verifies('DSC-19', 'discovery.guarded', 'a jwks_uri that points inside is refused by the same guard'),
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

test(verifies('id.development.explicit', 'in development a loopback agent over plain http'), async () => {
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
