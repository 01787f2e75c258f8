import { generateSigningKey } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { createDirectory, type Directory } from './index.js'
import { type Answer, publish, published, urlsOf, type Web, web } from './web.test.fixture.js'

const id = 'https://agent.example'
const urls = urlsOf(id)
const [k1, k2] = await Promise.all([generateSigningKey(), generateSigningKey('ES256')])
const wrong = { name: 'AAuthError', code: 'discovery_failed', status: 401 }
const away = { name: 'AAuthError', code: 'discovery_failed', status: 503 }

let on: Web
let directory: Directory
beforeEach(() => {
  on = web()
  publish(on, id, [published('k1', k1)])
  directory = createDirectory({ fetcher: on.fetcher, now: () => on.clock })
})
const key = (kid = 'k1', of = id) => directory.key('aauth-agent', of, kid)

test(verifies('id.metadata.location', 'each role has its document, its parser and its keys'), async () => {
  const resource = { issuer: id, resource: id, jwks_uri: urls.jwks }
  const issuer = { issuer: id, jwks_uri: urls.jwks, agent_token_endpoint: `${id}/token` }
  on.answers.set(`${id}/.well-known/aauth-resource`, { body: resource })
  on.answers.set(`${id}/.well-known/aauth-issuer`, { body: issuer })
  expect(await directory.agent(id)).toEqual({ issuer: id, agent: id, jwks_uri: urls.jwks })
  expect(await directory.resource(id)).toEqual(resource)
  expect(await directory.authServer(id)).toEqual(issuer)
  for (const document of ['aauth-agent', 'aauth-resource', 'aauth-issuer'] as const)
    expect((await directory.key(document, id, 'k1'))?.publicJwk).toEqual(k1.publicJwk)
})

test(verifies('id.canonical', 'id.development.explicit', 'a malformed identifier is never fetched'), async () => {
  const local = 'http://localhost:4110'
  publish(on, local, [published('k1', k1)])
  for (const bad of ['http://agent.example', 'https://agent.example/', 'https://127.0.0.1', local, '']) {
    await expect(directory.agent(bad), bad).rejects.toMatchObject(wrong)
    await expect(key('k1', bad), bad).rejects.toMatchObject(wrong)
  }
  expect(on.fetched).toEqual([])
  const development = createDirectory({ fetcher: on.fetcher, now: () => on.clock, development: true })
  expect((await development.agent(local)).agent).toBe(local)
  expect(await key()).toBeDefined()
})

test(verifies('SCH-08', 'a document of any other name is never fetched'), async () => {
  for (const name of ['../../uploads/x', 'openid-configuration', '__proto__', 'constructor', ''])
    await expect(directory.key(name as 'aauth-agent', id, 'k1'), name).rejects.toMatchObject(wrong)
  expect(on.fetched).toEqual([])
})

describe('a document that is not valid', () => {
  const metadata = { issuer: id, agent: id, jwks_uri: urls.jwks }
  const cases: ReadonlyArray<readonly [string, Answer | Error, object]> = [
    [verifies('DSC-15', 'not found'), { status: 404, body: metadata }, wrong],
    [verifies('DSC-15', 'error.discovery-failed', 'a broken host'), { status: 500, body: metadata }, away],
    [verifies('DSC-15', 'discovery.media-type', 'HTML'), { contentType: 'text/html', body: metadata }, wrong],
    [verifies('DSC-08', 'discovery.no-redirects', 'a redirect'), { status: 302, body: metadata }, wrong],
    [verifies('DSC-12', 'discovery.sizes', 'too large'), { body: JSON.stringify(metadata).padEnd(65_537) }, wrong],
    [
      verifies('DSC-17', 'id.metadata.self', 'another agent'),
      { body: { ...metadata, agent: 'https://o.example' } },
      wrong,
    ],
    [verifies('error.discovery-failed', 'no answer'), new Error('connect ECONNREFUSED'), away],
    [
      'a refusal by the fetcher',
      new AAuthError('discovery_failed', 'the address is refused', { reason: 'address_not_allowed' }),
      { ...wrong, reason: 'address_not_allowed' },
    ],
  ]
  test.each(cases)('%s', async (_, answer, error) => {
    on.answers.set(urls.metadata, answer)
    await expect(directory.agent(id)).rejects.toMatchObject(error)
    await expect(key()).rejects.toMatchObject(error)
    // The failure is remembered for 5 s, then the host is asked again.
    expect(on.fetched).toEqual([urls.metadata])
    publish(on, id, [published('k1', k1)])
    on.clock += 5
    expect(await key()).toBeDefined()
  })

  test(verifies('discovery.sizes', 'documents of exactly the largest size are accepted'), async () => {
    on.answers.set(urls.metadata, { body: JSON.stringify(metadata).padEnd(65_536) })
    on.answers.set(urls.jwks, { body: JSON.stringify({ keys: [published('k1', k1)] }).padEnd(262_144) })
    expect(await key()).toBeDefined()
  })
})

test(
  verifies(
    'discovery.cache',
    'discovery.single-flight',
    'a document is fetched once for all callers, and cached while fresh',
  ),
  async () => {
    on.delay = 10
    const found = await Promise.all(Array.from({ length: 100 }, () => key()))
    expect(new Set(found).size).toBe(1)
    on.clock += 299
    expect(await key()).toBe(found[0])
    expect(on.fetched).toEqual([urls.metadata, urls.jwks])
    on.clock += 1
    expect(await key()).toBe(found[0])
    expect(on.fetched.length).toBe(4)
  },
)

test(
  verifies('discovery.stale', 'DSC-28', 'the last document of an unreachable host is served for up to 1 h'),
  async () => {
    const known = await key()
    for (const url of Object.values(urls)) on.answers.set(url, new Error('down'))
    on.clock += 3599
    expect(await key()).toBe(known)
    on.clock += 1
    await expect(key()).rejects.toMatchObject({ ...away, retryAfter: 5 })
  },
)

test(verifies('discovery.unknown-kid', 'DSC-20', 'an unknown kid causes one refetch in 30 s'), async () => {
  await key()
  on.clock += 30
  publish(on, id, [published('k1', k1), published('k2', k2)])
  expect(await key('k3')).toBeUndefined()
  expect(await key('k4')).toBeUndefined()
  expect(on.fetched.filter(url => url === urls.jwks).length).toBe(2)
  expect((await key('k2'))?.publicJwk).toEqual(k2.publicJwk)
})

test(
  verifies('id.jwks-elsewhere', 'DSC-37', 'keys at another origin are cached under the identifier that named them'),
  async () => {
    const victim = 'https://victim.example'
    publish(on, victim, [published('v1', k2)])
    on.answers.set(urls.metadata, { body: { issuer: id, agent: id, jwks_uri: urlsOf(victim).jwks } })
    expect((await key('v1'))?.publicJwk).toEqual(k2.publicJwk)
    on.answers.set(urlsOf(victim).jwks, { body: { keys: [published('v1', k1)] } })
    expect((await key('v1', victim))?.publicJwk).toEqual(k1.publicJwk)
    expect((await key('v1'))?.publicJwk).toEqual(k2.publicJwk)
  },
)

describe(verifies('discovery.bounded', 'the cache is bounded'), () => {
  const ids = Array.from({ length: 64 }, (_, i) => `https://a${i}.example`)

  test('by participants: the least recently used one is evicted', async () => {
    for (const each of [id, ...ids]) publish(on, each, [published('k1', k1)])
    for (const each of [...ids.slice(0, 63), id, ...ids.slice(0, 1), ...ids.slice(63)]) await directory.agent(each)
    expect(on.fetched.length).toBe(65)
    // The second participant was used least recently.
    for (const each of [...ids.slice(0, 1), ...ids.slice(2), id]) await directory.agent(each)
    expect(on.fetched.length).toBe(65)
    await directory.agent('https://a1.example')
    expect(on.fetched.length).toBe(66)
  })

  test('by the memory that a parsed document takes', async () => {
    // 60 KiB of text that parse to megabytes of empty objects; the accepted twin is as long but parses to little.
    publish(on, id, [published('k1', k1), ...Array(20_000).fill({})])
    const twin = 'https://twin.example'
    publish(on, twin, [published('k1', k1)])
    on.answers.set(urlsOf(twin).jwks, { body: JSON.stringify({ keys: [published('k1', k1)] }).padEnd(60_000) })
    for (const each of [id, twin, id, twin]) expect(await key('k1', each)).toBeDefined()
    expect(on.fetched.filter(url => url === urls.jwks).length).toBe(2)
    expect(on.fetched.filter(url => url === urlsOf(twin).jwks).length).toBe(1)
  })
})
