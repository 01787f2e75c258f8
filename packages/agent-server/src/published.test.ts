import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { scene } from './delegate.test.fixture.js'

const get = (target: string, method = 'GET') => ({ method, target, headers: [['host', 'agent.example']] as const })

test(verifies('metadata.agent', 'an agent server publishes who it is and where its delegates get tokens'), async () => {
  const { server } = await scene({ name: 'Example Agent' })
  const response = await server.handle(get('/.well-known/aauth-agent'))
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  expect(await response.json()).toEqual({
    issuer: 'https://agent.example',
    agent: 'https://agent.example',
    jwks_uri: 'https://agent.example/.well-known/jwks.json',
    delegate_token_endpoint: 'https://agent.example/delegate/token',
    name: 'Example Agent',
  })
})

test(verifies('metadata.agent', 'redirect URIs are published if configured, and absent otherwise'), async () => {
  const redirectUris = ['https://app.example/callback?a=1', 'https://app.example/callback']
  const { server } = await scene({ redirectUris, localhostCallbackAllowed: true })
  expect(await (await server.handle(get('/.well-known/aauth-agent'))).json()).toMatchObject({
    redirect_uris: ['https://app.example/callback?a=1', 'https://app.example/callback'],
    localhost_callback_allowed: true,
  })
  const plain = await (await scene()).server.handle(get('/.well-known/aauth-agent'))
  const metadata = Object.keys(await plain.json())
  expect(metadata.filter(name => name.startsWith('redirect') || name.startsWith('localhost'))).toEqual([])
})

test(verifies('metadata.agent', 'the JWK set holds public keys only'), async () => {
  const { server } = await scene()
  const response = await server.handle(get('/.well-known/jwks.json'))
  expect(response.headers.get('content-type')).toBe('application/jwk-set+json')
  expect(await response.json()).toEqual({
    keys: [
      { kty: 'OKP', crv: 'Ed25519', x: expect.stringMatching(/^[\w-]{43}$/), alg: 'Ed25519', kid: 'k1', use: 'sig' },
    ],
  })
})

test('HEAD answers like GET, without a body', async () => {
  const { server } = await scene()
  const response = await server.handle(get('/.well-known/aauth-agent', 'HEAD'))
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(await response.text()).toBe('')
})

test.each([
  ['POST', '/.well-known/aauth-agent', 'GET, HEAD'],
  ['DELETE', '/.well-known/jwks.json', 'GET, HEAD'],
  ['GET', '/delegate/token', 'POST'],
  ['OPTIONS', '/delegate/token', 'POST'],
])(verifies('error.method', '%s %s is refused with the methods that are allowed'), async (method, target, allow) => {
  const { server } = await scene()
  const response = await server.handle(get(target, method))
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe(allow)
  expect(await response.json()).toMatchObject({ error: 'invalid_request' })
})

test(
  verifies(
    'cors.preflight',
    'cors.exposed',
    'TOK-36',
    'pages of a listed origin may use the server, without credentials',
  ),
  async () => {
    const page = 'https://app.example'
    const asked = (origin: string) => [['origin', origin] as const, ['access-control-request-method', 'POST'] as const]
    const { server, events } = await scene({ cors: [page] })
    const shown = async (method: string, target: string, origin = page) => {
      const { status, headers } = await server.handle({ method, target, headers: asked(origin) })
      expect(headers.get('access-control-allow-credentials')).toBeNull()
      return [status, headers.get('access-control-allow-origin')]
    }
    for (const target of ['/delegate/token', '/.well-known/jwks.json', '/.well-known/aauth-agent', '/nothing']) {
      expect(await shown('OPTIONS', target), target).toEqual([204, page])
      expect(await shown('OPTIONS', target, 'https://evil.example'), target).toEqual([204, null])
    }
    expect(events).toEqual([])
    expect(await shown('GET', '/.well-known/jwks.json')).toEqual([200, page])
    expect(await shown('GET', '/nothing')).toEqual([404, page])
    expect(await shown('POST', '/delegate/token')).toEqual([401, page])
    expect(await shown('POST', '/delegate/token', 'https://evil.example')).toEqual([401, null])
  },
)

test('other paths are 404', async () => {
  const { server } = await scene()
  for (const target of ['/', '/.well-known/aauth-resource', '/delegate/token/', '/Delegate/token']) {
    expect((await server.handle(get(target))).status).toBe(404)
  }
})

test('options that cannot work are refused at construction', async () => {
  await expect(scene({ id: 'https://agent.example/' })).rejects.toThrow(TypeError)
  await expect(scene({ id: 'http://localhost:4110' })).rejects.toThrow(TypeError)
  await expect(scene({ id: 'http://localhost:4110', development: true })).resolves.toBeDefined()
  await expect(scene({ keys: [] })).rejects.toThrow(TypeError)
  const key = await generateSigningKey()
  const twice = ['k1', 'k1'].map(kid => ({ kid, key }))
  await expect(scene({ keys: twice })).rejects.toThrow(TypeError)
  for (const uri of ['http://app.example/', 'http://127.0.0.1:1/', 'app.example', 'javascript:alert(1)', '/callback'])
    await expect(scene({ redirectUris: [uri] }), uri).rejects.toThrow(TypeError)
  await expect(scene({ redirectUris: ['https://app.example/'] })).resolves.toBeDefined()
  await expect(scene({ audience: 'x'.repeat(7000) })).rejects.toThrow(TypeError)
  await expect(scene({ tokenLifetime: 86_401 })).rejects.toThrow(RangeError)
  await expect(scene({ tokenLifetime: 86_400 })).resolves.toBeDefined()
})
