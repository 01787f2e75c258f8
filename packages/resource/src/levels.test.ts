import { generateSigningKey } from '@countersign/httpsig'
import { reasons } from '@countersign/protocol/reasons'
import { verifies } from '@countersign/requirements'
import { type Answer, send, type Wire } from '@countersign/testing/wire'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { calendarScene } from './calendar.test.fixture.js'

const { world, calendar } = await calendarScene()

const unsigned = (target: string): Wire => ({ method: 'GET', target, headers: [['host', 'calendar.example']] })
const at = (wire: Wire) => send(calendar.port, wire)
const challengeOf = (answer: Answer) => answer.headers.get('agent-auth')
const claimsOf = (challenge: string | undefined) => {
  const token = /resource_token="([^"]+)"/.exec(challenge ?? '')?.[1] ?? ''
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

interface Refused {
  readonly status: number
  readonly error: string
  readonly reason?: string
  readonly agentAuth: string | undefined
}

async function expectRefused(wire: Wire, expected: Refused) {
  const before = calendar.ran()
  const answer = await at(wire)
  const { status, error, reason } = answer
  expect({ status, error, reason, agentAuth: challengeOf(answer) }).toMatchObject(expected)
  expect(calendar.ran()).toBe(before)
  return answer
}

async function expectPassed(wire: Wire, facts: Record<string, unknown>) {
  const answer = await at(wire)
  expect(answer.status, answer.body).toBe(200)
  expect(JSON.parse(answer.body).aauth).toMatchObject(facts)
  return answer
}

describe('anonymous', () => {
  test(
    verifies(
      'level.anonymous',
      'sig.required',
      'SIG-01',
      'SIG-02',
      'an unsigned request passes only where a route says so',
    ),
    async () => {
      await expectPassed(unsigned('/public'), { level: 'anonymous', scope: [], chain: [] })
      await expectRefused(unsigned('/feed'), {
        status: 401,
        error: 'invalid_signature',
        reason: 'signature_missing',
        agentAuth: 'httpsig',
      })
      await expectRefused(unsigned('/agenda'), {
        status: 401,
        error: 'invalid_signature',
        agentAuth: 'httpsig; identity=?1',
      })
      const answer = await expectRefused(unsigned('/events?a=b'), {
        status: 401,
        error: 'invalid_signature',
        agentAuth: 'httpsig; identity=?1',
      })
      expect(JSON.parse(answer.body).required_components.toSorted()).toEqual([
        '@authority',
        '@method',
        '@path',
        '@query',
        'signature-key',
      ])
    },
  )

  test(verifies('sig.headers.anonymous', 'one signature header on an anonymous route: verified in full'), async () => {
    const signed = await world.request({ as: asKey(await generateSigningKey()), target: '/public' })
    await expectPassed(signed, { level: 'pseudonymous' })
    for (const kept of ['signature', 'signature-input', 'signature-key']) {
      const wire = { ...signed, headers: signed.headers.filter(([name]) => name === kept || name === 'host') }
      await expectRefused(wire, { status: 401, error: 'invalid_signature', agentAuth: 'httpsig' })
    }
  })
})

describe('pseudonymous', () => {
  test(verifies('level.pseudonymous', 'the same key came back'), async () => {
    for (const algorithm of ['Ed25519', 'ES256', 'ES384', 'PS512'] as const) {
      const key = await generateSigningKey(algorithm)
      const first = await expectPassed(await world.request({ as: asKey(key), target: '/feed' }), {
        level: 'pseudonymous',
      })
      const second = await expectPassed(await world.request({ as: asKey(key), target: '/feed' }), {})
      expect(JSON.parse(first.body).aauth.key).toMatch(/^[\w-]{43}$/)
      expect(JSON.parse(first.body).aauth.key).toBe(JSON.parse(second.body).aauth.key)
    }
  })

  test(
    verifies(
      'SCH-11',
      'level.identity-first',
      'challenge.verified-only',
      'RST-22',
      'level.lowest',
      'challenge.identity',
      'an inline key is asked who it is, also where a scope is needed',
    ),
    async () => {
      const as = asKey(await generateSigningKey())
      await expectPassed(await world.request({ as, target: '/feed' }), {})
      const expected = {
        status: 401,
        error: 'insufficient_level',
        reason: 'level_insufficient',
        agentAuth: 'httpsig; identity=?1',
      }
      for (const target of ['/agenda', '/partners', '/events', '/partner-events', '/closed'])
        await expectRefused(await world.request({ as, target }), expected)
    },
  )
})

describe('identified', () => {
  test(
    verifies('level.identified', 'level.order', 'an agent by its published key, a delegate by its token'),
    async () => {
      const agent = { level: 'identified', agent: 'https://agent.example' }
      const delegate = asHolder(world.delegateKey, await world.agentToken())
      for (const target of ['/agenda', '/partners', '/feed', '/public']) {
        const answer = await expectPassed(await world.request({ as: asAgent(world.agent), target }), agent)
        expect(JSON.parse(answer.body).aauth).not.toHaveProperty('delegate')
        await expectPassed(await world.request({ as: delegate, target }), { ...agent, delegate: 'phone' })
      }
    },
  )

  test(
    verifies(
      'RAT-04',
      'AUT-23',
      'trust.resource.agents',
      'challenge.none-when-final',
      'an agent that is not on the list is refused for good',
    ),
    async () => {
      const none = { status: 403, error: 'policy_denied', reason: 'caller_denied', agentAuth: undefined }
      const issued = () => world.events.filter(({ type }) => type === 'resource_token').length
      const before = issued()
      for (const target of ['/partners', '/partner-events'])
        await expectRefused(await world.request({ as: asAgent(world.otherAgent), target }), none)
      expect(issued()).toBe(before)
      await expectPassed(await world.request({ as: asAgent(world.agent), target: '/partners' }), {})
    },
  )

  test(
    verifies(
      'AUT-11',
      'challenge.auth-token',
      'challenge.auth-server',
      'token.resource.bound',
      'token.resource.life',
      'where a scope is needed: a resource token for exactly this caller',
    ),
    async () => {
      const wire = await world.request({ as: asHolder(world.delegateKey, await world.agentToken()), target: '/events' })
      const answer = await at(wire)
      expect([answer.status, answer.error]).toEqual([401, 'insufficient_level'])
      expect(challengeOf(answer)).toMatch(
        /^httpsig; auth-token; resource_token="[\w.-]+"; auth_server="https:\/\/auth\.example"$/,
      )
      const { iat, exp, jti, agent_jkt, ...claims } = claimsOf(challengeOf(answer))
      expect(claims).toEqual({
        iss: 'https://calendar.example',
        aud: 'https://auth.example',
        agent: 'https://agent.example',
        agent_delegate: 'phone',
        scope: 'events.read',
        txn: expect.stringMatching(/^[0-9a-f-]{36}$/),
      })
      expect(exp - iat).toBe(300)
      expect(iat).toBe(Math.floor(world.clock.now))
      expect(jti).toMatch(/^[\w-]{22}$/)
      const passed = await at(
        await world.request({ as: asHolder(world.delegateKey, await world.agentToken()), target: '/agenda' }),
      )
      expect(agent_jkt).toBe(JSON.parse(passed.body).aauth.key)
    },
  )

  test(verifies('AUT-11', "an agent's own key gets a resource token without a delegate"), async () => {
    const answer = await at(await world.request({ as: asAgent(world.agent), target: '/events' }))
    const claims = claimsOf(challengeOf(answer))
    expect(claims.agent).toBe('https://agent.example')
    expect(claims).not.toHaveProperty('agent_delegate')
  })
})

describe('authorized', () => {
  const withToken = async (claims: Record<string, unknown>, target: string) =>
    world.request({ as: asHolder(world.delegateKey, await world.authToken(claims)), target })

  test(verifies('level.authorized', 'an auth token passes, and says for whom'), async () => {
    await expectPassed(await withToken({ sub: 'alice', email: 'alice@example.org' }, '/events'), {
      level: 'authorized',
      agent: 'https://agent.example',
      delegate: 'phone',
      issuer: 'https://auth.example',
      scope: ['events.read'],
      user: { iss: 'https://auth.example', sub: 'alice', claims: { email: 'alice@example.org' } },
      chain: [],
    })
    await expectPassed(await withToken({}, '/agenda'), { level: 'authorized' })
  })

  test(
    verifies(
      'AUT-09',
      'AUT-10',
      'challenge.union-scope',
      'challenge.forbidden',
      'error.insufficient-scope',
      'a scope that is missing is asked for together with those held',
    ),
    async () => {
      await expectPassed(await withToken({ scope: 'events.read events.write' }, '/edit'), {})
      const answer = await at(await withToken({ scope: 'events.read' }, '/edit'))
      expect([answer.status, answer.error, answer.reason]).toEqual([403, 'insufficient_scope', 'scope_missing'])
      expect(challengeOf(answer)).toContain('httpsig; auth-token; resource_token="')
      expect(challengeOf(answer)).toContain('auth_server="https://auth.example"')
      expect(claimsOf(challengeOf(answer)).scope).toBe('events.read events.write')
      for (const scope of ['events.readwrite', 'xevents.read', 'EVENTS.READ', 'events.*', 'events.read,events.write']) {
        const refused = await at(await withToken({ scope }, '/events'))
        expect([scope, refused.status, refused.error]).toEqual([scope, 403, 'insufficient_scope'])
      }
      const unscoped = await at(await withToken({ scope: undefined, sub: 'alice' }, '/events'))
      expect([unscoped.status, unscoped.error]).toEqual([403, 'insufficient_scope'])
    },
  )

  test(verifies('challenge.auth-server', 'auth_server is the issuer of the presented token'), async () => {
    const other = world.calendar({ authServers: ['https://first.example', 'https://auth.example'] })
    const message = async (claims: Record<string, unknown>) => withToken(claims, '/edit')
    const refused = await other.authorize(await message({ scope: 'events.read' }), { scope: 'events.write' })
    const response = refused.ok ? undefined : refused.response
    expect(response?.headers.get('agent-auth')).toContain('auth_server="https://auth.example"')
    const agent = await other.authorize(await world.request({ as: asAgent(world.agent), target: '/edit' }), {
      scope: 'events.write',
    })
    expect(agent.ok ? undefined : agent.response.headers.get('agent-auth')).toContain(
      'auth_server="https://first.example"',
    )
  })

  test(verifies('challenge.identity-scopes', 'identity scopes are tested by the claims they grant'), async () => {
    const resource = world.calendar()
    const need = { scope: ['email', 'events.read'] } as const
    const passed = await resource.authorize(await withToken({ sub: 'alice', email: 'a@example.org' }, '/'), need)
    expect(passed.ok).toBe(true)
    const refused = await resource.authorize(await withToken({ sub: 'alice', name: 'Alice' }, '/'), need)
    const response = refused.ok ? undefined : refused.response
    expect(response?.status).toBe(403)
    expect(
      claimsOf(response?.headers.get('agent-auth') ?? undefined)
        .scope.split(' ')
        .toSorted(),
    ).toEqual(['email', 'events.read', 'profile'])
  })

  test(verifies('challenge.identity-scopes', 'an identity scope in `scope` stands for no claim'), async () => {
    const resource = world.calendar()
    const claims = { sub: 'alice', scope: 'events.read email' }
    for (const need of [{ scope: 'email' }, { scope: ['email', 'events.read'] }] as const) {
      const named = await resource.authorize(await withToken(claims, '/'), need)
      expect(named.ok ? undefined : named.response.status).toBe(403)
      const shown = await resource.authorize(await withToken({ ...claims, email: 'a@example.org' }, '/'), need)
      expect(shown.ok).toBe(true)
    }
  })

  test(verifies('RAT-04', 'error.policy-denied', 'a policy that says no is final'), async () => {
    await expectPassed(await withToken({}, '/events'), {})
    await expectRefused(await withToken({}, '/closed'), {
      status: 403,
      error: 'policy_denied',
      reason: 'policy_refused',
      agentAuth: undefined,
    })
  })

  test(
    verifies('cache.no-store', 'error.date', 'error.shape', 'challenges are dated and kept by no cache'),
    async () => {
      const answer = await at(unsigned('/events'))
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('vary')).toBe('Signature-Key')
      expect(answer.headers.get('date')).toBe(new Date(world.clock.now * 1000).toUTCString())
      expect(Object.keys(JSON.parse(answer.body))).toEqual([
        'error',
        'reason',
        'error_description',
        'required_components',
      ])
    },
  )

  test(verifies('error.reason', 'a refusal has a reason of the vocabulary, which comes with its code'), async () => {
    const wires = [
      unsigned('/events'),
      await world.request({ as: asKey(await generateSigningKey()), target: '/events' }),
      await world.request({ as: asAgent(world.otherAgent), target: '/partners' }),
      await withToken({ scope: 'events.read' }, '/edit'),
      await withToken({ exp: 1 }, '/events'),
      await withToken({}, '/closed'),
      { ...(await withToken({}, '/events')), target: '/edit' },
    ]
    const names: Array<string | undefined> = []
    for (const wire of wires) {
      const { error, reason } = await at(wire)
      names.push(reason)
      expect(Object.entries(reasons).find(([name]) => name === reason)?.[1].codes, reason).toContain(error)
    }
    expect(new Set(names).size).toBe(wires.length)
  })
})
