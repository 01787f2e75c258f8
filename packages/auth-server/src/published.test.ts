import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { consentWorld } from '@countersign/testing/auth/consent'
import { world } from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'

const get = (target: string, method = 'GET') => ({ method, target, headers: [['host', 'auth.example']] as const })

test(verifies('metadata.auth-server', 'an auth server publishes its endpoints and what it can do'), async () => {
  const { auth } = await world()
  const response = await auth.handle(get('/.well-known/aauth-issuer'))
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  expect(await response.json()).toEqual({
    issuer: 'https://auth.example',
    jwks_uri: 'https://auth.example/.well-known/jwks.json',
    agent_token_endpoint: 'https://auth.example/agent/token',
    revocation_endpoint: 'https://auth.example/agent/revoke',
    agent_signing_algs_supported: ['Ed25519', 'ES256', 'ES384', 'PS512'],
    request_types_supported: ['auth', 'refresh'],
    constraints_supported: [
      'resources',
      'scopes',
      'purposes',
      'until',
      'hours',
      'calls',
      'chain',
      'data',
      'arguments',
      'approval',
    ],
  })
})

test(verifies('metadata.auth-server', 'the JWK set holds public keys only'), async () => {
  const { auth } = await world()
  const response = await auth.handle(get('/.well-known/jwks.json'))
  expect(response.headers.get('content-type')).toBe('application/jwk-set+json')
  expect(await response.json()).toEqual({
    keys: [
      { kty: 'OKP', crv: 'Ed25519', x: expect.stringMatching(/^[\w-]{43}$/), alg: 'Ed25519', kid: 'a1', use: 'sig' },
    ],
  })
})

test('HEAD answers like GET, without a body', async () => {
  const { auth } = await world()
  const response = await auth.handle(get('/.well-known/aauth-issuer', 'HEAD'))
  expect([response.status, await response.text()]).toEqual([200, ''])
})

test.each([
  ['GET', '/agent/token', 'POST'],
  ['HEAD', '/agent/token', 'POST'],
  ['PUT', '/agent/token', 'POST'],
  ['OPTIONS', '/agent/token', 'POST'],
  ['GET', '/agent/revoke', 'POST'],
  ['POST', '/.well-known/aauth-issuer', 'GET, HEAD'],
])(
  verifies('TOK-06', 'error.method', '%s %s is refused with the methods that are allowed'),
  async (method, target, allow) => {
    const { auth } = await world()
    const response = await auth.handle(get(target, method))
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    expect(await response.json()).toMatchObject({ error: 'invalid_request' })
  },
)

test(
  verifies('cors.preflight', 'cors.exposed', 'TOK-36', 'pages of every origin may use the server, without credentials'),
  async () => {
    const asked = [['origin', 'https://app.example'] as const, ['access-control-request-method', 'POST'] as const]
    const { auth, events } = await world({ cors: '*' })
    const shown = async (method: string, target: string) => {
      const { status, headers } = await auth.handle({ method, target, headers: asked })
      expect(headers.get('access-control-allow-credentials')).toBeNull()
      return [status, headers.get('access-control-allow-origin'), headers.has('access-control-expose-headers')]
    }
    for (const target of ['/agent/token', '/agent/revoke', '/.well-known/jwks.json', '/.well-known/aauth-issuer'])
      expect(await shown('OPTIONS', target), target).toEqual([204, '*', false])
    expect(events).toEqual([])
    expect(await shown('GET', '/.well-known/aauth-issuer')).toEqual([200, '*', true])
    expect(await shown('GET', '/nothing')).toEqual([404, '*', true])
    expect(await shown('POST', '/agent/token')).toEqual([401, '*', true])
  },
)

test(
  verifies('metadata.auth-server', 'with login it publishes its agent_auth_endpoint and identity scopes'),
  async () => {
    const metadata = async (options: Parameters<typeof consentWorld>[0]) =>
      (await consentWorld(options)).auth.handle(get('/.well-known/aauth-issuer')).then(response => response.json())
    expect(await metadata({})).toMatchObject({
      agent_auth_endpoint: 'https://auth.example/agent/authorize',
      request_types_supported: ['auth', 'code', 'refresh', 'poll'],
      scopes_supported: ['openid', 'profile', 'email'],
    })
    expect(await metadata({ deviceFlow: ['https://agent.example'] })).toMatchObject({
      request_types_supported: ['auth', 'code', 'refresh', 'device_auth', 'device_code', 'poll'],
    })
  },
)

test(verifies('consent.browser', 'pages get no CORS headers, whatever cors allows for agents'), async () => {
  const headers = [
    ['host', 'auth.example'],
    ['origin', 'https://app.example'],
  ] as const
  for (const cors of ['*', ['https://app.example']] as const) {
    const { auth } = await consentWorld({ cors })
    const allowed = async (target: string) =>
      (await auth.handle({ method: 'GET', target, headers })).headers.get('access-control-allow-origin')
    for (const target of ['/agent/authorize', '/agent/consent?request_token=x', '/device', '/login', '/logout']) {
      expect(await allowed(target), target).toBeNull()
    }
    expect(await allowed('/.well-known/aauth-issuer')).not.toBeNull()
    expect(await allowed('/agent/token')).not.toBeNull()
  }
})

test('other paths are 404', async () => {
  const { auth } = await world()
  for (const target of ['/', '/agent', '/agent/token/', '/agent//token', '/.well-known/openid-configuration']) {
    expect((await auth.handle(get(target))).status, target).toBe(404)
  }
})

test('options that cannot work are refused at construction', async () => {
  await expect(world({ issuer: 'https://auth.example/' })).rejects.toThrow(TypeError)
  await expect(world({ issuer: 'http://localhost:4120' })).rejects.toThrow(TypeError)
  await expect(world({ issuer: 'http://localhost:4120', development: true })).resolves.toBeDefined()
  await expect(world({ keys: [] })).rejects.toThrow(TypeError)
  const key = await generateSigningKey()
  await expect(world({ keys: ['a1', 'a1'].map(kid => ({ kid, key })) })).rejects.toThrow(TypeError)
  await expect(world({ deviceFlow: 'any' })).rejects.toThrow(TypeError)
  await expect(consentWorld({ deviceFlow: ['https://tv.example/'] })).rejects.toThrow(TypeError)
  await expect(consentWorld({ requestQuota: { agent: 0, delegate: 1 } })).rejects.toThrow(RangeError)
  await expect(consentWorld({ deviceFlow: 'any' })).resolves.toBeDefined()
  await expect(world({ authTokenLifetime: 3601 })).rejects.toThrow(RangeError)
  await expect(world({ authTokenLifetime: 3600 })).resolves.toBeDefined()
})
