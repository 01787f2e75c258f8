import { generateSigningKey } from '@countersign/httpsig'
import { jwks } from '@countersign/protocol'
import { signJws } from '@countersign/protocol/internal'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, calls, delegateIn } from './agents.test.fixture.js'
import { AgentError } from './error.js'
import { explain } from './explanation.js'
import { auth, calendar, type World, world } from './participants.test.fixture.js'

type Claims = Record<string, unknown>

/** What an agent's call came to under an auth server that misbehaves; nothing of its answer may be used. */
async function refusedCall(own: World): Promise<unknown> {
  const error = await delegateIn(own)
    .fetch(`${calendar}/events`)
    .then(
      response => response.status,
      (thrown: unknown) => thrown,
    )
  const events = own.network.sent.filter(exchange => exchange.target === '/events')
  expect(events).toHaveLength(2)
  return error
}

async function expectInvalidAnswer(own: World, member: string): Promise<void> {
  const error = await refusedCall(own)
  expect(error).toBeInstanceOf(AgentError)
  expect(error).toMatchObject({ code: 'invalid_answer', cause: { member } })
}

/** The auth server answers the token endpoint with what `change` makes of its honest answer. */
function token(own: World, change: (answer: Record<string, unknown>) => Response | Promise<Response>): void {
  own.network.intercept(auth, async (exchange, next) => {
    const response = await next(exchange)
    return exchange.target === '/token' && response.status === 200 ? change(await response.json()) : response
  })
}

function claimsIn(jws: string): Claims {
  const [, payload = ''] = jws.split('.')
  return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
}

describe('the agent checks the token answer', () => {
  test(verifies('agent.checks.token-answer', 'an honest answer is accepted'), async () => {
    expect((await delegateIn(await world()).fetch(`${calendar}/events`)).status).toBe(200)
  })

  test.each<readonly [string, string, (claims: Claims) => Claims]>([
    ['iss', 'invalid_auth_token', claims => ({ ...claims, iss: 'https://auth2.example' })],
    ['aud', 'invalid_auth_token', claims => ({ ...claims, aud: 'https://other.example' })],
    ['agent', 'agent', claims => ({ ...claims, agent: 'https://other.example' })],
    ['agent, absent', 'agent', ({ agent: _, ...claims }) => claims],
    ['agent_delegate', 'agent_delegate', claims => ({ ...claims, agent_delegate: 'd2' })],
    ['agent_delegate, absent', 'agent_delegate', ({ agent_delegate: _, ...claims }) => claims],
    // An approval of one request, where none was asked for (approval.once).
    ['operation_digest', 'operation_digest', claims => ({ ...claims, operation_digest: 'A'.repeat(43) })],
    ['scope, wider', 'scope', claims => ({ ...claims, scope: 'events.read events.write' })],
    [
      'exp, past',
      'invalid_auth_token',
      claims => ({ ...claims, iat: Number(claims['iat']) - 700, exp: Number(claims['iat']) - 100 }),
    ],
    ['iat, ahead', 'invalid_auth_token', claims => ({ ...claims, iat: Number(claims['iat']) + 120 })],
  ])(verifies('CLI-11', 'agent.checks.token-answer', 'an auth token is refused: %s'), async (_, member, tamper) => {
    const own = await world()
    own.tamper.set('auth+jwt', tamper)
    await expectInvalidAnswer(own, member)
  })

  test.each([
    [3600, 200],
    [3601, 'invalid_answer'],
  ])(
    verifies('CLI-11', 'agent.checks.token-answer', 'token.auth.life', 'an auth token that lives %i s comes to %s'),
    async (life, expected) => {
      const own = await world()
      // Our own issuer would refuse to make it.
      const key = await generateSigningKey()
      own.network.intercept(auth, (exchange, next) =>
        exchange.target === '/jwks.json' ? Response.json(jwks([{ kid: 'k1', key }])) : next(exchange),
      )
      token(own, async answer => {
        const claims = claimsIn(String(answer['auth_token']))
        const payload = JSON.stringify({ ...claims, exp: Number(claims['iat']) + life })
        return Response.json({ ...answer, auth_token: await signJws({ typ: 'auth+jwt', kid: 'k1' }, payload, key) })
      })
      const call = delegateIn(own).requestAccess({ resource: calendar, scope: 'events.read' })
      expect(
        await call.then(
          () => 200,
          error => error.code,
        ),
      ).toBe(expected)
    },
  )

  test(verifies('CLI-11', 'agent.checks.token-answer', 'an auth token bound to another key is refused'), async () => {
    const own = await world()
    const jwk = (await generateSigningKey()).publicJwk
    own.tamper.set('auth+jwt', claims => ({ ...claims, cnf: { jwk } }))
    await expectInvalidAnswer(own, 'cnf')
  })

  test(
    verifies('CLI-11', 'agent.checks.token-answer', 'an auth token by a key the issuer does not publish is refused'),
    async () => {
      const own = await world()
      const stranger = await generateSigningKey()
      token(own, async answer => {
        const claims = claimsIn(String(answer['auth_token'])) as never
        return Response.json({ ...answer, auth_token: await own.sign('auth+jwt', claims, stranger) })
      })
      await expectInvalidAnswer(own, 'invalid_auth_token')
    },
  )

  test(verifies('CLI-11', 'agent.checks.token-answer', 'a token of another typ is refused'), async () => {
    const own = await world()
    token(own, answer => Response.json({ ...answer, auth_token: agentTokenOf(own) }))
    await expectInvalidAnswer(own, 'invalid_auth_token')
  })

  test.each<readonly [string, string, (answer: Record<string, unknown>) => Response]>([
    [
      'text/html',
      'content-type',
      answer => new Response(JSON.stringify(answer), { headers: { 'content-type': 'text/html' } }),
    ],
    ['no type', 'content-type', answer => new Response(new TextEncoder().encode(JSON.stringify(answer)))],
    ['too large', 'size', answer => Response.json({ ...answer, padding: 'a'.repeat(70_000) })],
    ['a list', 'json', answer => Response.json([answer])],
    ['a member twice', 'json', answer => twice(answer)],
    ['no token', 'auth_token', () => Response.json({ expires_in: 600 })],
    ['a token that is a number', 'auth_token', () => Response.json({ auth_token: 1 })],
    ['a refresh token that is a list', 'refresh_token', answer => Response.json({ ...answer, refresh_token: ['a'] })],
    [
      'a redirect',
      'status',
      () => new Response(null, { status: 307, headers: { location: 'https://evil.example/token' } }),
    ],
    ['204', 'status', () => new Response(null, { status: 204 })],
  ])(verifies('CLI-11', 'agent.checks.token-answer', 'an answer is refused: %s'), async (_, member, change) => {
    const own = await world()
    token(own, change)
    await expectInvalidAnswer(own, member)
    expect(own.network.sent.map(exchange => exchange.origin)).not.toContain('https://evil.example')
    expect(new Set(own.network.sent.map(exchange => exchange.redirect))).toEqual(new Set(['manual']))
  })

  test.each<readonly [string, unknown]>([
    ['shorter than the life of the token', 1],
    ['longer', 86_400],
    ['a text', '600'],
    ['negative', -1],
    ['missing', undefined],
  ])(
    verifies('agent.checks.expires-in', 'expires_in that is %s changes nothing: `exp` of the token holds'),
    async (_, expires_in) => {
      const own = await world()
      token(own, answer => Response.json({ ...answer, expires_in }))
      const agent = delegateIn(own)
      const asked = () => own.network.sent.filter(({ target }) => target === '/token').length
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      own.clock.time += 500
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      expect(asked()).toBe(1)
      own.clock.time += 100
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      expect(asked()).toBe(2)
    },
  )

  test('an answer without end is not read to its end', async () => {
    const own = await world()
    let pulled = 0
    const endless = (): Response => {
      const body = new ReadableStream({
        pull(controller) {
          pulled += 1
          controller.enqueue(new Uint8Array(16_384).fill(0x20))
        },
      })
      return new Response(body, { headers: { 'content-type': 'application/json' } })
    }
    token(own, endless)
    await expectInvalidAnswer(own, 'size')
    expect(pulled).toBeLessThan(10)
  })

  test(verifies('CLI-03', 'agent.checks.issuer', 'metadata that names another issuer is refused'), async () => {
    const own = await world()
    own.network.intercept(auth, async (exchange, next) => {
      const response = await next(exchange)
      if (exchange.target !== '/.well-known/aauth-issuer') return response
      return Response.json({ ...(await response.json()), issuer: 'https://evil.example' })
    })
    await expectInvalidAnswer(own, 'discovery_failed')
    expect(calls(own, auth)).toEqual([])
  })

  test(verifies('CLI-03', 'agent.checks.issuer', 'a token endpoint elsewhere is refused'), async () => {
    const own = await world()
    own.network.intercept(auth, async (exchange, next) => {
      const response = await next(exchange)
      if (exchange.target !== '/.well-known/aauth-issuer') return response
      return Response.json({ ...(await response.json()), agent_token_endpoint: 'https://evil.example/token' })
    })
    await expectInvalidAnswer(own, 'discovery_failed')
    expect(own.network.sent.map(exchange => exchange.origin)).not.toContain('https://evil.example')
  })
})

/** The agent token that was shown to the resource: it has a good signature and the wrong purpose. */
function agentTokenOf(own: World): string {
  const key = own.network.sent
    .map(exchange => exchange.header('signature-key') ?? '')
    .find(value => value.includes('jwt='))
  return /jwt="([^"]+)"/.exec(key ?? '')?.[1] ?? ''
}

function twice(answer: Record<string, unknown>): Response {
  const text = JSON.stringify(answer).replace('{', '{"auth_token":"x",')
  return new Response(text, { headers: { 'content-type': 'application/json' } })
}

describe('an auth server that says no, or nothing', () => {
  test('access_denied: the challenge comes back, and explain says who refused', async () => {
    const own = await world()
    own.denies = true
    const response = await agentIn(own).fetch(`${calendar}/events`)
    expect(response.status).toBe(401)
    expect(response.headers.get('agent-auth')).toContain('auth-token')
    expect(explain(response)).toMatchObject({
      level: 'identified',
      outcome: 'gave_up',
      reason:
        'the auth server said no (403 access_denied user_refused); so the challenge of calendar.example could not be met',
    })
    own.denies = false
    expect((await agentIn(own).fetch(`${calendar}/events`)).status).toBe(200)
  })

  test('the error names the reason of the auth server, and ignores what is no name', async () => {
    for (const [reason, told] of [
      ['policy_denied_grant', { reason: 'policy_denied_grant' }],
      ['Ask https://evil.example', {}],
    ] as const) {
      const own = await world()
      token(own, () => Response.json({ error: 'access_denied', reason }, { status: 403 }))
      const error: unknown = await agentIn(own)
        .requestAccess({ resource: calendar, scope: 'events.read' })
        .catch((thrown: unknown) => thrown)
      expect(Object(error).cause).toEqual({ status: 403, error: 'access_denied', ...told })
      const { reason: sentence } = explain(await agentIn(own).fetch(`${calendar}/events`))
      expect(sentence).toContain('reason' in told ? '(403 access_denied policy_denied_grant)' : '(403 access_denied)')
    }
  })

  test('a request that needs a user: the challenge comes back', async () => {
    const own = await world()
    token(own, () => Response.json({ request_token: 'x', expires_in: 600 }))
    const response = await agentIn(own).fetch(`${calendar}/events`)
    expect(explain(response).reason).toMatch(/^the auth server wants to ask a user/)
  })

  test.each([
    ['away', () => Promise.reject(new TypeError('fetch failed'))],
    ['down', () => new Response('oops', { status: 502 })],
  ])('%s: an AgentError', async (_, answer) => {
    const own = await world()
    own.network.intercept(auth, (exchange, next) => (exchange.target === '/token' ? answer() : next(exchange)))
    await expect(agentIn(own).fetch(`${calendar}/events`)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('metadata that cannot be fetched: an AgentError', async () => {
    const own = await world()
    own.network.intercept(auth, (exchange, next) => {
      if (exchange.target === '/.well-known/aauth-issuer') throw new TypeError('fetch failed')
      return next(exchange)
    })
    await expect(agentIn(own).fetch(`${calendar}/events`)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test.each([
    ['httpsig', 2],
    [undefined, 1],
    ['httpsig; identity=?1', 1],
  ])(
    verifies('sig.replay.resent', 'a token request is signed anew, once, where the 503 says %j and no other'),
    async (agentAuth, count) => {
      const own = await world()
      let refusals = 0
      own.network.intercept(auth, (exchange, next) => {
        if (exchange.target !== '/token' || refusals++ > 0) return next(exchange)
        const error = { error: 'temporarily_unavailable', error_description: 'just started' }
        const more = agentAuth === undefined ? {} : { 'agent-auth': agentAuth }
        return Response.json(error, {
          status: 503,
          headers: { 'retry-after': '2', 'cache-control': 'no-store', ...more },
        })
      })
      const waits: number[] = []
      const agent = agentIn(own, { sleep: async seconds => void waits.push(seconds) })
      const call = agent.fetch(`${calendar}/events`)
      if (count === 2) expect((await call).status).toBe(200)
      else await expect(call).rejects.toMatchObject({ code: 'unreachable', cause: { status: 503 } })
      expect(waits).toEqual(count === 2 ? [2] : [])
      const signatures = own.network.sent.filter(e => e.target === '/token').map(e => e.header('signature'))
      expect(new Set(signatures).size).toBe(count)
    },
  )
})
