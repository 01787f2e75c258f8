import { verifies } from '@countersign/requirements'
import {
  agentServer,
  ask,
  delegate,
  granted,
  newYear,
  otherAgent,
  resourceToken,
  type Signer,
  send,
  world,
} from '@countersign/testing/auth/world'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'
import { directGrants } from './policy/policies.js'

test(
  verifies(
    'auth.direct-grant',
    'token-endpoint.answer',
    'token-endpoint.expires-in',
    'token.auth.claims',
    'token.auth.life',
    'TOK-34',
    'TOK-39',
    'a delegate with a resource token gets an auth token for its own key',
  ),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const response = await ask(made, phone)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const answer = await bodyOf(response)
    expect(answer).toEqual({
      auth_token: expect.any(String),
      expires_in: 600,
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(part(answer['auth_token'], 0)).toEqual({ typ: 'auth+jwt', alg: 'Ed25519', kid: 'a1' })
    expect(part(answer['auth_token'], 1)).toEqual({
      iss: 'https://auth.example',
      aud: 'https://calendar.example',
      agent: 'https://agent.example',
      agent_delegate: 'phone',
      cnf: { jwk: phone.key.publicJwk },
      scope: 'events.read',
      iat: newYear,
      exp: newYear + 600,
      jti: expect.stringMatching(/^.{16,}$/),
      grant: expect.stringMatching(/^[A-Za-z0-9_-]{36}$/),
    })
    expect(made.events).toEqual([
      {
        type: 'granted',
        by: 'policy',
        agent: 'https://agent.example',
        delegate: 'phone',
        resource: 'https://calendar.example',
        scope: ['events.read'],
        grant: expect.any(String),
        jti: part(answer['auth_token'], 1)['jti'],
      },
    ])
  },
)

test('the agent server itself gets a token without a delegate', async () => {
  const made = await world({ authTokenLifetime: 60 })
  const answer = await bodyOf(await ask(made, agentServer(made)))
  expect(answer).toMatchObject({ expires_in: 60 })
  const claims = part(answer['auth_token'], 1)
  expect(claims).toMatchObject({ agent: 'https://agent.example', exp: newYear + 60 })
  expect(claims).not.toHaveProperty('agent_delegate')
})

test(
  verifies(
    'error.access-denied',
    'TOK-40',
    'grant.delegates',
    'a request that the policy does not name is denied, and nothing is stored',
  ),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const fridge = await delegate(made, 'fridge')
    publishResource(made, 'https://rooms.example', [made.resourceKey])
    const attempts: Array<[Signer, Record<string, unknown>]> = [
      [fridge, {}],
      [phone, { scope: 'events.write' }],
      [phone, { scope: 'events.read events.write' }],
      [phone, { scope: 'Events.read' }],
      [phone, { iss: 'https://rooms.example' }],
      [await otherAgent(made), {}],
    ]
    for (const [signer, claims] of attempts) {
      const resource_token = await resourceToken(made, signer, { claims })
      const response = await send(made, signer, { request_type: 'auth', resource_token })
      expect(await refusalOf(response), JSON.stringify(claims)).toEqual(plain(403, 'access_denied', 'policy_refused'))
    }
    expect(made.events.map(event => event.type)).toEqual(attempts.map(() => 'refused'))
    expect((await ask(made, phone)).status).toBe(200)
  },
)

test('without a policy everything is denied; one that throws grants nothing', async () => {
  const closed = await world({ policy: 'unset' })
  expect(await refusalOf(await ask(closed, agentServer(closed)))).toEqual(plain(403, 'access_denied', 'policy_refused'))
  const broken = await world({
    policy: () => {
      throw new Error('secret detail')
    },
  })
  const response = await ask(broken, agentServer(broken))
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('secret detail')
})

test(
  verifies('TOK-37', 'RST-13', 'error.invalid-scope', 'oddly spelt scopes are refused before the policy sees them'),
  async () => {
    const seen: string[][] = []
    const made = await world({
      policy: request => {
        seen.push([...request.scope])
        return 'direct'
      },
    })
    const self = agentServer(made)
    publishResource(made, 'https://agent.example', [made.agentKey], { supported_scopes: ['notes.read', 'notes.write'] })
    const odd = [
      'notes.read  notes.write',
      ' notes.read',
      'notes.read ',
      'notes.read\tnotes.write',
      'notes.read\nnotes.write',
      'notes.read notes.read',
      'notes."read"',
      'notés',
      Array.from({ length: 65 }, (_, index) => `s${index}`).join(' '),
    ]
    for (const scope of odd) {
      const response = await send(made, self, { request_type: 'auth', scope })
      expect(await refusalOf(response), scope).toMatchObject(plain(400, 'invalid_scope'))
    }
    const long = await send(made, self, { request_type: 'auth', scope: 'x'.repeat(2049) })
    expect(await refusalOf(long)).toEqual(plain(400, 'invalid_scope', 'scope_malformed'))
    expect(seen).toEqual([])
    expect((await send(made, self, { request_type: 'auth', scope: 'notes.write notes.read' })).status).toBe(200)
    expect(seen).toEqual([['notes.write', 'notes.read']])
  },
)

test(verifies('token.txn', 'the auth token carries the audit id of the resource token'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const resource_token = await resourceToken(made, phone, { claims: { txn: 'txn-7' } })
  const answer = await bodyOf(await send(made, phone, { request_type: 'auth', resource_token }))
  expect(part(answer['auth_token'], 1)).toMatchObject({ txn: 'txn-7' })
})

test('the policy gets agent, resource, scope and the claimed purpose', async () => {
  const seen: unknown[] = []
  const made = await world({
    policy: request => {
      seen.push(request)
      return 'direct'
    },
  })
  const phone = await delegate(made, 'phone')
  const resource_token = await resourceToken(made, phone)
  const purpose = 'Show today’s events'
  await granted(await send(made, phone, { request_type: 'auth', resource_token, purpose }))
  expect(seen).toEqual([
    {
      agent: 'https://agent.example',
      delegate: 'phone',
      resource: 'https://calendar.example',
      scope: ['events.read'],
      purpose: 'Show today’s events',
    },
  ])
  const long = await send(made, phone, { request_type: 'auth', resource_token, purpose: 'x'.repeat(1025) })
  expect(await refusalOf(long)).toEqual(plain(400, 'invalid_request', 'parameter_too_long'))
})

test(
  verifies(
    'token.auth.agent-absent',
    'auth.self.scope',
    'an agent server gets a token for itself, in which agent is absent',
  ),
  async () => {
    const made = await world()
    publishResource(made, 'https://agent.example', [made.agentKey], { supported_scopes: ['notes.read', 'notes.write'] })
    const self = agentServer(made)
    const answer = await bodyOf(await send(made, self, { request_type: 'auth', scope: 'notes.read' }))
    const claims = part(answer['auth_token'], 1)
    expect(claims).toMatchObject({
      aud: 'https://agent.example',
      scope: 'notes.read',
      cnf: { jwk: self.key.publicJwk },
    })
    expect(claims).not.toHaveProperty('agent')
    const refused = (scope: string) => send(made, self, { request_type: 'auth', scope }).then(refusalOf)
    expect(await refused('notes.delete')).toEqual(plain(400, 'invalid_scope', 'scope_unknown'))
    expect(await refused('notes.write')).toEqual(plain(403, 'access_denied', 'policy_refused'))
  },
)

test(verifies('auth.self.scope', 'an agent that publishes no aauth-resource has no scopes of its own'), async () => {
  const made = await world()
  const response = await send(made, agentServer(made), { request_type: 'auth', scope: 'notes.read' })
  expect(await refusalOf(response)).toMatchObject(plain(400, 'discovery_failed'))
})

test(verifies('auth.self.delegate', 'a delegate may not ask for scopes of its agent in the direct form'), async () => {
  const made = await world()
  publishResource(made, 'https://agent.example', [made.agentKey], { supported_scopes: ['notes.read'] })
  const phone = await delegate(made, 'phone')
  const refused = (scope: string) => send(made, phone, { request_type: 'auth', scope }).then(refusalOf)
  expect(await refused('notes.read')).toEqual(plain(400, 'invalid_scope', 'scope_not_allowed'))
  expect(await refused('openid notes.read')).toEqual(plain(400, 'invalid_scope', 'scope_not_allowed'))
  expect((await send(made, agentServer(made), { request_type: 'auth', scope: 'notes.read' })).status).toBe(200)
})

test('identity scopes need a user, whichever caller asks', async () => {
  const made = await world({ policy: () => 'direct' })
  const phone = await delegate(made, 'phone')
  const description = 'A user must decide this, and none can sign in here, or the upstream token names none.'
  const resource_token = await resourceToken(made, phone, { claims: { scope: 'events.read email' } })
  for (const [signer, form] of [
    [phone, { scope: 'openid' }],
    [agentServer(made), { scope: 'openid' }],
    [phone, { resource_token }],
  ] as const) {
    const response = await send(made, signer, { request_type: 'auth', ...form })
    expect(response.status).toBe(403)
    expect(await bodyOf(response)).toEqual({
      error: 'access_denied',
      reason: 'user_unavailable',
      error_description: description,
    })
  }
  expect((await ask(made, phone)).status).toBe(200)
})

test(verifies('TOK-12', 'the direct form cannot name another resource'), async () => {
  const made = await world()
  publishResource(made, 'https://agent.example', [made.agentKey], { supported_scopes: ['notes.read'] })
  const form = {
    request_type: 'auth',
    scope: 'notes.read',
    resource: 'https://calendar.example',
    aud: 'https://calendar.example',
    audience: 'https://calendar.example',
  }
  const answer = await bodyOf(await send(made, agentServer(made), form))
  expect(part(answer['auth_token'], 1)['aud']).toBe('https://agent.example')
})

test(
  verifies('trust.auth-server.agents', 'an agent that was never met is verified, and policy alone decides'),
  async () => {
    const listed = { agent: 'https://other.example', resource: 'https://calendar.example', scopes: ['events.read'] }
    for (const [policy, outcome] of [
      [directGrants([]), plain(403, 'access_denied', 'policy_refused')],
      [directGrants([listed]), undefined],
    ] as const) {
      const made = await world({ policy })
      const response = await ask(made, await otherAgent(made))
      if (outcome === undefined) await granted(response)
      else expect(await refusalOf(response)).toEqual(outcome)
    }
  },
)

test(verifies('error.unavailable', 'an unreachable database is 503, not an internal error'), async () => {
  const made = await world()
  await granted(await ask(made, agentServer(made)))
  await made.auth.close()
  const response = await ask(made, agentServer(made))
  expect(await refusalOf(response)).toEqual(plain(503, 'temporarily_unavailable', 'dependency_unavailable'))
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
})
