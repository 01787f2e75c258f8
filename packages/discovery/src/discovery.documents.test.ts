import { generateSigningKey } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { readVectors } from '@countersign/vectors'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Discovery } from './index.js'
import { type Answer, discoveryOf, publish, published, urlsOf, type Web, web } from './web.test.fixture.js'

const id = 'https://agent.example'
const urls = urlsOf(id)
const metadata = { issuer: id, agent: id, jwks_uri: urls.jwks }
const wrong = { name: 'AAuthError', code: 'discovery_failed', status: 401 }
const missing = { ...wrong, reason: 'document_missing' }
const malformed = { ...wrong, reason: 'document_malformed' }
const tooLarge = { ...wrong, reason: 'document_too_large' }
const away = { name: 'AAuthError', code: 'discovery_failed', reason: 'participant_unreachable', status: 503 }
const key = await generateSigningKey()

let on: Web
let discovery: Discovery
beforeEach(() => {
  on = web()
  publish(on, id, [published('k1', key)])
  discovery = discoveryOf(on)
})

test(
  verifies('id.metadata.location', 'discovery.fetcher', 'each role has its document, its parser and its keys'),
  async () => {
    const resource = { issuer: id, resource: id, jwks_uri: urls.jwks }
    const issuer = { issuer: id, jwks_uri: urls.jwks, agent_token_endpoint: `${id}/token` }
    on.answers.set(`${id}/.well-known/aauth-resource`, { body: resource })
    on.answers.set(`${id}/.well-known/aauth-issuer`, { body: issuer })
    expect(await discovery.agent(id)).toEqual(metadata)
    expect(await discovery.resource(id)).toEqual(resource)
    expect(await discovery.authServer(id)).toEqual(issuer)
    for (const document of ['aauth-agent', 'aauth-resource', 'aauth-issuer'] as const) {
      const found = await discovery.key(document, id, 'k1')
      expect(found?.publicJwk).toEqual(key.publicJwk)
    }
  },
)

test('no caller can change the metadata that the next caller gets', async () => {
  const redirects = [`${id}/callback`]
  on.answers.set(`${id}/.well-known/aauth-agent`, { body: { ...metadata, redirect_uris: redirects } })
  const first = await discovery.agent(id)
  expect(Reflect.set(first, 'jwks_uri', 'https://evil.example/jwks.json')).toBe(false)
  expect(Reflect.set(Object(first.redirect_uris), '1', 'https://evil.example')).toBe(false)
  const found = await discovery.key('aauth-agent', id, 'k1')
  expect(Reflect.set(Object(found), 'verify', async () => true)).toBe(false)
  expect(await discovery.agent(id)).toEqual({ ...metadata, redirect_uris: redirects })
})

test(verifies('SCH-05', 'SCH-06', 'SCH-09', 'id.canonical', 'a malformed identifier is never fetched'), async () => {
  const refused = readVectors('identifiers', 'refuse').filter(({ input }) => !input.development)
  const ids = [
    ...refused.map(({ input }) => input.value),
    'ftp://agent.example',
    'file:///etc/passwd',
    'https:',
    'https://',
    'https://[::1]',
    'https://victim.example/redirect?u=https://evil.example',
    'https://ａgent.example',
    'https://2130706433',
  ]
  const malformedId = { ...wrong, reason: 'identifier_malformed' }
  for (const bad of ids) {
    await expect(discovery.agent(bad), bad).rejects.toMatchObject(malformedId)
    await expect(discovery.key('aauth-agent', bad, 'k1'), bad).rejects.toMatchObject(malformedId)
  }
  expect(on.fetched).toEqual([])
  expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
})

test(verifies('SCH-08', 'a document of any other name is never fetched'), async () => {
  const names = ['../../uploads/x', 'aauth-agent?x=', 'openid-configuration', '__proto__', 'constructor', '']
  for (const name of names)
    await expect(discovery.key(name as 'aauth-agent', id, 'k1'), name).rejects.toMatchObject(missing)
  expect(on.fetched).toEqual([])
})

test(verifies('id.development.explicit', 'loopback identifiers work in development mode only'), async () => {
  const local = 'http://localhost:4110'
  publish(on, local, [published('k1', key)])
  await expect(discovery.agent(local)).rejects.toMatchObject(wrong)
  expect(on.fetched).toEqual([])
  const development = discoveryOf(on, { development: true })
  expect(await development.key('aauth-agent', local, 'k1')).toBeDefined()
})

describe('a document that is not valid', () => {
  const kib = (n: number, body: object) =>
    JSON.stringify({ ...body, pad: '' }).replace('""', `"${'x'.repeat(n * 1024)}"`)
  const cases: ReadonlyArray<readonly [string, Answer, object]> = [
    [verifies('DSC-15', 'error.discovery-failed', 'no content'), { status: 204, body: '' }, missing],
    [verifies('DSC-15', 'a part'), { status: 206, body: metadata }, missing],
    [verifies('DSC-15', 'not found'), { status: 404, body: metadata }, missing],
    [verifies('DSC-15', 'error.discovery-failed', 'a broken host'), { status: 500, body: metadata }, away],
    [verifies('DSC-15', 'a busy host'), { status: 429, body: metadata }, away],
    [verifies('DSC-15', 'HTML'), { contentType: 'text/html', body: metadata }, malformed],
    [verifies('DSC-15', 'plain text'), { contentType: 'text/plain', body: metadata }, malformed],
    [verifies('DSC-15', 'no media type'), { contentType: '', body: metadata }, malformed],
    [verifies('DSC-08', 'discovery.no-redirects', 'a redirect'), { status: 302, body: metadata }, missing],
    [verifies('DSC-12', 'discovery.sizes', 'too large'), { body: kib(64, metadata) }, tooLarge],
    [
      verifies('DSC-18', 'token.duplicates', 'a member twice'),
      { body: `{"jwks_uri":"x",${JSON.stringify(metadata).slice(1)}` },
      malformed,
    ],
    [verifies('DOS-04', 'nested too deep'), { body: `${'['.repeat(9000)}${']'.repeat(9000)}` }, malformed],
    ['not JSON', { body: '{' }, malformed],
    ['not UTF-8', { body: Uint8Array.of(0x22, 0xff, 0x22) }, malformed],
    ['not an object', { body: [metadata] }, wrong],
    [
      verifies('DSC-17', 'id.metadata.self', 'another agent'),
      { body: { ...metadata, agent: 'https://other.example' } },
      wrong,
    ],
    [verifies('DSC-17', 'a slash more'), { body: { ...metadata, issuer: `${id}/` } }, wrong],
    [verifies('DSC-17', 'upper case'), { body: { ...metadata, agent: 'https://Agent.example' } }, wrong],
    [verifies('DSC-09', 'an http JWKS'), { body: { ...metadata, jwks_uri: 'http://agent.example/jwks' } }, wrong],
    [
      verifies('DSC-09', 'id.endpoints.origin', 'a foreign endpoint'),
      { body: { ...metadata, x_endpoint: 'https://other.example/' } },
      wrong,
    ],
    [verifies('DSC-19', 'userinfo'), { body: { ...metadata, jwks_uri: 'https://u@agent.example/jwks' } }, wrong],
    [verifies('DSC-19', 'a fragment'), { body: { ...metadata, jwks_uri: `${urls.jwks}#x` } }, wrong],
  ]

  test.each(cases)('metadata: %s', async (_, answer, error) => {
    on.answers.set(urls.metadata, answer)
    await expect(discovery.agent(id)).rejects.toMatchObject(error)
    await expect(discovery.key('aauth-agent', id, 'k1')).rejects.toMatchObject(error)
    expect(on.fetched).toEqual([urls.metadata])
    on.answers.set(urls.metadata, { body: metadata })
    expect(await discoveryOf(on).key('aauth-agent', id, 'k1')).toBeDefined()
  })

  const jwk = published('k1', key)
  const keySets: ReadonlyArray<readonly [string, Answer, object]> = [
    [verifies('KEY-25', '`keys` is no array'), { body: { keys: { 0: jwk, length: 1 } } }, wrong],
    [verifies('KEY-25', 'no `keys`'), { body: [jwk] }, wrong],
    [verifies('DSC-12', 'KEY-25', 'discovery.sizes', 'too large'), { body: kib(256, { keys: [jwk] }) }, tooLarge],
    [verifies('DSC-18', '`keys` twice'), { body: `{"keys":[],"keys":[${JSON.stringify(jwk)}]}` }, malformed],
    [
      verifies('DSC-15', 'discovery.media-type', 'HTML'),
      { contentType: 'text/html', body: { keys: [jwk] } },
      malformed,
    ],
    [verifies('DSC-15', 'gone'), { status: 410 }, missing],
    [verifies('error.discovery-failed', 'a broken host'), { status: 503 }, away],
  ]

  test.each(keySets)('JWKS: %s', async (_, answer, error) => {
    on.answers.set(urls.jwks, answer)
    await expect(discovery.key('aauth-agent', id, 'k1')).rejects.toMatchObject(error)
    expect(on.fetched).toEqual([urls.metadata, urls.jwks])
    publish(on, id, [jwk])
    expect(await discoveryOf(on).key('aauth-agent', id, 'k1')).toBeDefined()
  })

  test(verifies('discovery.sizes', 'documents of exactly the largest size are accepted'), async () => {
    const padded = (size: number, body: object) => JSON.stringify(body).padEnd(size)
    on.answers.set(urls.metadata, { body: padded(65_536, metadata) })
    on.answers.set(urls.jwks, { body: padded(262_144, { keys: [jwk] }) })
    expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
  })
})

test(
  verifies(
    'error.discovery-failed',
    'a host that does not answer is 503 with Retry-After, a refusal by the fetcher 401',
  ),
  async () => {
    on.answers.set(urls.metadata, new Error('connect ECONNREFUSED 10.1.2.3:443'))
    await expect(discovery.agent(id)).rejects.toMatchObject({ ...away, retryAfter: 5 })
    on.answers.set(
      urls.metadata,
      new AAuthError('discovery_failed', 'the address is refused', { reason: 'address_not_allowed' }),
    )
    await expect(discoveryOf(on).agent(id)).rejects.toMatchObject({ ...wrong, reason: 'address_not_allowed' })
  },
)

test(
  verifies('DSC-30', 'error.description', 'errors repeat neither fetched text nor the reason of a failure'),
  async () => {
    const secret = 'hunter2-10.1.2.3'
    const answers: ReadonlyArray<Answer | Error> = [
      new Error(`connect ECONNREFUSED ${secret}`),
      { body: `{"${secret}":` },
      { body: { ...metadata, agent: secret } },
      { body: { ...metadata, [`${secret}_endpoint`]: secret } },
      { contentType: `text/${secret}`, body: secret },
      { status: 404, body: secret },
    ]
    for (const answer of answers) {
      on.answers.set(urls.metadata, answer)
      const error = await discoveryOf(on)
        .agent(id)
        .catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(AAuthError)
      const { message, description } = error as AAuthError
      expect(message + description).not.toMatch(/hunter2|10\.1\.2\.3|agent\.example|ECONN/)
    }
  },
)
