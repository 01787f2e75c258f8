import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { send, type Wire } from '@countersign/testing/wire'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { expect, test } from 'vitest'
import { calendarScene } from '../calendar.test.fixture.js'

const { world, calendar } = await calendarScene()

const form = 'application/x-www-form-urlencoded'
const ask = (as: Signer, body: string, o: { target?: string; contentType?: string } = {}) =>
  world.request({
    as,
    method: 'POST',
    target: o.target ?? '/aauth/resource-token',
    body,
    contentType: o.contentType ?? form,
  })

async function outcome(wire: Wire) {
  const issued = world.events.filter(({ type }) => type === 'resource_token').length
  const answer = await send(calendar.port, wire)
  const more = world.events.filter(({ type }) => type === 'resource_token').length - issued
  expect(more, 'a token is issued exactly when 200').toBe(answer.status === 200 ? 1 : 0)
  return answer
}

async function expectRefused(
  wire: Wire,
  [status, error, reason]: readonly [number, string, string],
  agentAuth?: string,
) {
  const answer = await outcome(wire)
  expect(answer).toMatchObject({ status, error, reason })
  expect(answer.headers.get('agent-auth')).toBe(agentAuth)
  return answer
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

test(verifies('resource-token-endpoint.answer', 'cache.no-store', 'an agent asks before its first call'), async () => {
  const answer = await outcome(
    await ask(asHolder(world.delegateKey, await world.agentToken()), 'scope=events.read+events.write'),
  )
  expect(answer.status, answer.body).toBe(200)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const { resource_token, ...rest } = JSON.parse(answer.body)
  expect(rest).toEqual({ auth_server: 'https://auth.example', expires_in: 300 })
  expect(claimsOf(resource_token)).toMatchObject({
    agent: 'https://agent.example',
    agent_delegate: 'phone',
    aud: 'https://auth.example',
    scope: 'events.read events.write',
  })
})

test(
  verifies('RST-18', 'resource-token-endpoint.signed', 'neither an unsigned nor an authorized caller gets a token'),
  async () => {
    const unsigned = {
      method: 'POST',
      target: '/aauth/resource-token',
      headers: [
        ['host', 'calendar.example'],
        ['content-type', form],
      ] as const,
      body: Buffer.from('scope=events.read'),
    }
    await expectRefused(unsigned, [401, 'invalid_signature', 'signature_missing'], 'httpsig; identity=?1')
    await expectRefused(
      await ask(asKey(await generateSigningKey()), 'scope=events.read'),
      [401, 'insufficient_level', 'credential_not_accepted'],
      'httpsig; identity=?1',
    )
    await expectRefused(
      await ask(asHolder(world.delegateKey, await world.authToken()), 'scope=events.read'),
      [401, 'insufficient_level', 'credential_not_accepted'],
      'httpsig; identity=?1',
    )
    expect((await outcome(await ask(asAgent(world.agent), 'scope=events.read'))).status).toBe(200)
  },
)

test(verifies('RST-19', 'token.resource.bound', 'what a form says of other agents is ignored'), async () => {
  const body =
    'scope=events.read&agent=https%3A%2F%2Fother.example&agent_jkt=x&aud=https%3A%2F%2Fevil.example&exp=9999999999'
  const answer = await outcome(await ask(asAgent(world.agent), body))
  const claims = claimsOf(JSON.parse(answer.body).resource_token)
  expect([claims.agent, claims.aud, claims.exp - claims.iat]).toEqual([
    'https://agent.example',
    'https://auth.example',
    300,
  ])
  expect(claims.agent_jkt).toMatch(/^[\w-]{43}$/)
})

test(
  verifies(
    'RST-21',
    'RST-13',
    'resource-token-endpoint.scope',
    'resource-token-endpoint.auth-server',
    'error.invalid-scope',
    'a form asks for known scopes and auth servers only',
  ),
  async () => {
    const as = asAgent(world.agent)
    expect((await outcome(await ask(as, 'scope=events.read&auth_server=https%3A%2F%2Fauth.example&x='))).status).toBe(
      200,
    )
    for (const scope of [
      'events.delete',
      'events.read+events.read',
      '+events.read',
      'events.read%0A',
      '%22',
      'EVENTS.READ',
      'constructor',
    ])
      expect(await outcome(await ask(as, `scope=${scope}`)), scope).toMatchObject({
        status: 400,
        error: 'invalid_scope',
      })
    await expectRefused(await ask(as, 'scope=events.delete'), [400, 'invalid_scope', 'scope_unknown'])
    for (const [body, reason] of [
      ['auth_server=https%3A%2F%2Fauth.example', 'parameter_missing'],
      ['scope=', 'parameter_missing'],
      ['scope=events.read&scope=events.read', 'parameter_repeated'],
      ['scope=%zz', 'form_malformed'],
      ['scope=events.read&auth_request_url=https%3A%2F%2Fcalendar.example%2Fr', 'parameter_unsupported'],
      ['scope=events.read&auth_server=https%3A%2F%2Fstrange.example', 'parameter_unsupported'],
    ] as const)
      await expectRefused(await ask(as, body), [400, 'invalid_request', reason])
    await expectRefused(await ask(as, 'scope=events.read', { target: '/aauth/resource-token?scope=events.read' }), [
      400,
      'invalid_request',
      'parameters_in_url',
    ])
    await expectRefused(await ask(as, '{"scope":"events.read"}', { contentType: 'application/json' }), [
      415,
      'invalid_request',
      'content_type_unsupported',
    ])
  },
)

test(verifies('sig.replay.token-endpoints', 'error.method', 'each request counts once, and uses POST'), async () => {
  const wire = await ask(asAgent(world.agent), 'scope=events.read')
  expect((await outcome(wire)).status).toBe(200)
  await expectRefused(wire, [401, 'replay_detected', 'request_replayed'])
  const get = await expectRefused(await world.request({ as: asAgent(world.agent), target: '/aauth/resource-token' }), [
    405,
    'invalid_request',
    'method_not_allowed',
  ])
  expect(get.headers.get('allow')).toBe('POST')
})

test(verifies('RAT-09', 'resource tokens are capped per agent, at challenges too'), async () => {
  const resource = world.calendar({ resourceTokenLimit: '3/hour' })
  const challenge = async (as: Signer) => {
    const answer = await resource.authorize(await world.request({ as, target: '/events' }), { scope: 'events.read' })
    return answer.ok ? undefined : answer.response
  }
  const phone = asHolder(world.delegateKey, await world.agentToken())
  const laptop = asHolder(world.delegateKey, await world.agentToken({ sub: 'laptop' }))
  for (const as of [phone, laptop, phone]) expect((await challenge(as))?.status).toBe(401)
  for (const as of [laptop, phone, asAgent(world.agent)]) {
    const refused = await challenge(as)
    expect([
      refused?.status,
      refused?.headers.get('agent-auth'),
      Number(refused?.headers.get('retry-after')) > 0,
    ]).toEqual([429, null, true])
  }
  expect((await challenge(asAgent(world.otherAgent)))?.status).toBe(401)
  const message = await ask(asAgent(world.agent), 'scope=events.read')
  expect((await resource.handle(message))?.status).toBe(429)
})

test(
  verifies(
    'sig.replay.token-endpoints',
    'sig.replay.not-processed',
    'error.unavailable',
    'what the limit refused may come again; without its memory nothing is issued',
  ),
  async () => {
    const counter = { within: false, take: async () => ({ within: counter.within, remaining: 0, seconds: 1 }) }
    const resource = world.calendar({ counter })
    const message = await ask(asAgent(world.agent), 'scope=events.read')
    const status = async (of = resource) => (await of.handle(message))?.status
    expect(await status()).toBe(429)
    counter.within = true
    expect([await status(), await status()]).toEqual([200, 401])
    const away = async () => Promise.reject(new Error('connection refused'))
    const noCounter = world.calendar({ counter: { take: away } })
    for (const of of [world.calendar({ replay: { check: away } }), noCounter]) {
      const refused = await of.handle(message)
      expect([refused?.status, refused?.headers.get('agent-auth')]).toEqual([503, 'httpsig'])
    }
    const wire = await world.request({ as: asAgent(world.agent), target: '/events' })
    const challenged = await noCounter.authorize(wire, { scope: 'events.read' })
    const response = challenged.ok ? expect.fail('it passed') : challenged.response
    expect([response.status, await response.json()]).toMatchObject([503, { reason: 'store_unavailable' }])
  },
)

test(
  verifies(
    'LOG-04',
    'sig.target.raw',
    'a refusal is told, and no target is answered that two readers read differently',
  ),
  async () => {
    const unsigned = { method: 'POST', target: '/aauth/resource-token', headers: [] }
    const told = world.events.length
    expect((await world.calendar().handle(unsigned))?.status).toBe(401)
    expect(world.events.slice(told)).toMatchObject([{ type: 'refused', error: { code: 'invalid_signature' } }])
    for (const [query, status] of [
      ['', 200],
      ['?a=b', 200],
      ['?a#b', 400],
      ['?%', 400],
    ] as const) {
      const target = `/.well-known/aauth-resource${query}`
      expect((await world.calendar().handle({ method: 'GET', target, headers: [] }))?.status, target).toBe(status)
    }
  },
)

test(verifies('metadata.resource', 'what a resource publishes'), async () => {
  const metadata = await send(calendar.port, {
    method: 'GET',
    target: '/.well-known/aauth-resource',
    headers: [['host', 'calendar.example']],
  })
  expect(JSON.parse(metadata.body)).toEqual({
    issuer: 'https://calendar.example',
    resource: 'https://calendar.example',
    jwks_uri: 'https://calendar.example/.well-known/jwks.json',
    resource_token_endpoint: 'https://calendar.example/aauth/resource-token',
    revocation_endpoint: 'https://calendar.example/aauth/revoked-grants',
    auth_servers: ['https://auth.example'],
    supported_scopes: ['events.read', 'events.write'],
    scope_descriptions: { 'events.read': 'See your events', 'events.write': 'Change your events' },
    additional_signature_components: ['x-tenant'],
    purposes: { support: 'Answer questions of customers', billing: 'Write invoices', marketing: 'Advertise' },
    operations: {
      read: 'Read events',
      send: 'Send an invitation',
      purge: { description: 'Delete an event for good', grave: true },
    },
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
  const keys = await send(calendar.port, {
    method: 'GET',
    target: '/.well-known/jwks.json',
    headers: [['host', 'calendar.example']],
  })
  expect(keys.headers.get('content-type')).toBe('application/jwk-set+json')
  expect(JSON.parse(keys.body).keys).toEqual([{ ...world.calendarKey.key.publicJwk, kid: 'r1', use: 'sig' }])
  expect(keys.body).not.toContain('"d"')
  const post = await send(calendar.port, {
    method: 'POST',
    target: '/.well-known/aauth-resource',
    headers: [
      ['host', 'calendar.example'],
      ['content-length', '0'],
    ],
  })
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test(
  verifies('trust.resource.agents', 'a resource without auth servers: no token endpoint, no scope on any route'),
  async () => {
    const alone = world.calendar({ authServers: [] })
    const message = await world.request({ as: asAgent(world.agent), target: '/x' })
    expect((await alone.authorize(message, { agents: ['https://*.example', 'https://agent.example'] })).ok).toBe(true)
    expect(await alone.handle(await ask(asAgent(world.agent), 'scope=events.read'))).toBeUndefined()
    const metadata = await alone.handle({ method: 'GET', target: '/.well-known/aauth-resource', headers: [] })
    expect(await metadata?.json()).not.toHaveProperty('resource_token_endpoint')
    expect(() => alone.declare({ scope: 'events.read' })).toThrow(TypeError)
  },
)
