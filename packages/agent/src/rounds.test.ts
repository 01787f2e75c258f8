import { thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, calls, refusal, schemes } from './agents.test.fixture.js'
import { explain } from './explanation.js'
import { auth, calendar, home, type World, world } from './participants.test.fixture.js'

/** The resource answers every path but its documents with this. */
function answers(own: World, make: () => Response): void {
  own.network.intercept(calendar, (exchange, next) =>
    exchange.target.startsWith('/.well-known') || exchange.target === '/jwks.json' ? next(exchange) : make(),
  )
}

describe('a resource that is never satisfied', () => {
  test(verifies('CLI-05', 'agent.rounds', 'alternating challenges end after two authorization rounds'), async () => {
    const own = await world()
    own.network.intercept(calendar, async (exchange, next) => {
      const response = await next(exchange)
      return response.status === 200 && exchange.target === '/events'
        ? refusal(401, 'httpsig; identity=?1', 'invalid_auth_token')
        : response
    })
    const response = await agentIn(own).fetch(`${calendar}/events`)
    expect(response.status).toBe(401)
    expect(explain(response)).toMatchObject({
      outcome: 'refused',
      reason: 'calendar.example does not accept the auth token',
    })
    const asked = own.network.sent
      .filter(exchange => exchange.origin === auth)
      .map(exchange => exchange.text.split('&')[0])
    expect(asked).toEqual(['request_type=auth', 'request_type=auth'])
    expect(calls(own, calendar)).toHaveLength(5)
  })

  test(
    verifies('agent.rounds', 'a stored token that is refused is refreshed before a user is asked anew'),
    async () => {
      const own = await world()
      const agent = agentIn(own)
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      const before = own.network.sent.findLast(({ origin }) => origin === calendar)?.header('signature-key')
      // The resource has restarted. It answers one request on this URL to an identified agent, so the next one begins at that level.
      own.network.intercept(calendar, (exchange, next) => {
        if (exchange.header('signature-key') === before)
          return refusal(401, 'httpsig; identity=?1', 'invalid_auth_token')
        return exchange.header('x-open') === undefined ? next(exchange) : new Response('open')
      })
      expect((await agent.fetch(`${calendar}/events`, { headers: { 'x-open': '1' } })).status).toBe(200)
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      const asked = own.network.sent.filter(({ origin }) => origin === auth).map(({ text }) => text.split('&')[0])
      expect(asked).toEqual(['request_type=auth', 'request_type=refresh'])
    },
  )

  test(verifies('CLI-05', 'agent.rounds', 'ever new scopes end after two rounds'), async () => {
    const own = await world()
    const jkt = await thumbprint(own.agentKey.publicJwk)
    let asked = 0
    own.network.intercept(calendar, async (exchange, next) => {
      const response = await next(exchange)
      if (response.status !== 200 || exchange.target !== '/events') return response
      const iat = Math.floor(own.clock.time)
      const scope = `more.${++asked}`
      const claims = { iss: calendar, aud: auth, agent: home, agent_jkt: jkt, scope, iat, exp: iat + 300, jti: scope }
      const token = await own.sign('resource+jwt', claims)
      return refusal(403, `httpsig; auth-token; resource_token="${token}"; auth_server="${auth}"`, 'insufficient_scope')
    })
    const response = await agentIn(own).fetch(`${calendar}/events`)
    expect(response.status).toBe(403)
    expect(explain(response).reason).toBe('calendar.example was not satisfied after two authorization rounds')
    expect(calls(own, auth)).toHaveLength(2)
  })

  test.each(['httpsig', 'httpsig; identity=?1'])(
    verifies('CLI-05', 'agent.rounds', 'the same challenge again is final: %s'),
    async challenge => {
      const own = await world()
      answers(own, () => refusal(401, challenge, 'invalid_signature'))
      const response = await agentIn(own).fetch(`${calendar}/feed`)
      expect(explain(response)).toMatchObject({ outcome: 'refused' })
      expect(calls(own, calendar)).toHaveLength(2)
    },
  )

  test(verifies('CLI-05', 'agent.final', 'a 403 and a 401 without Agent-Auth are final'), async () => {
    for (const status of [401, 403]) {
      const own = await world()
      answers(own, () => refusal(status, undefined, 'policy_denied'))
      const response = await agentIn(own).fetch(`${calendar}/agenda`)
      expect(explain(response)).toMatchObject({
        outcome: 'refused',
        reason: 'calendar.example does not admit this agent',
      })
      expect(calls(own, calendar)).toHaveLength(1)
    }
  })

  test(verifies('agent.final', 'explain names the reason of the resource, and ignores what is no name'), async () => {
    const explained = async (status: number, error: string, reason: unknown) => {
      const own = await world()
      answers(own, () => Response.json({ error, reason }, { status }))
      return explain(await agentIn(own).fetch(`${calendar}/agenda`)).reason
    }
    const plain = 'calendar.example does not admit this agent'
    expect(await explained(403, 'policy_denied', 'caller_denied')).toBe(`${plain} (caller_denied)`)
    expect(await explained(403, 'policy_denied', 'of_a_later_edition')).toBe(`${plain} (of_a_later_edition)`)
    for (const reason of [undefined, 'Ask https://evil.example', 'x'.repeat(65), ['caller_denied']])
      expect(await explained(403, 'policy_denied', reason)).toBe(plain)
    expect(await explained(503, 'temporarily_unavailable', 'store_unavailable')).toBe(
      'calendar.example cannot answer now (store_unavailable)',
    )
  })

  test(verifies('agent.final', 'a resource of a later edition ends the call, and the edition is named'), async () => {
    const own = await world()
    const later = { 'aauth-requirement': 'requirement=agent-token' }
    answers(own, () => refusal(401, undefined, 'invalid_signature', later))
    const response = await agentIn(own).fetch(`${calendar}/agenda`)
    expect(explain(response).outcome).toBe('refused')
    expect(explain(response).reason).toMatch(/; AAuth-Requirement is of a later edition of AAuth$/)
    expect(calls(own, calendar)).toHaveLength(1)
    const both = await world()
    both.network.intercept(calendar, async (exchange, next) => {
      const answer = await next(exchange)
      answer.headers.set('aauth-requirement', 'requirement=agent-token')
      return answer
    })
    expect((await agentIn(both).fetch(`${calendar}/agenda`)).status).toBe(200)
  })

  test(verifies('CLI-15', 'challenge.no-downgrade', 'a bearer challenge causes no downgrade'), async () => {
    const own = await world()
    answers(own, () => refusal(401, undefined, 'invalid_token', { 'www-authenticate': 'Bearer realm="x"' }))
    const response = await agentIn(own).fetch(`${calendar}/agenda`)
    expect(explain(response).outcome).toBe('refused')
    expect(explain(response).reason).toContain('never falls back')
    expect(own.network.sent.map(exchange => exchange.header('authorization'))).toEqual([undefined])
    const both = await world()
    both.network.intercept(calendar, async (exchange, next) => {
      const answer = await next(exchange)
      answer.headers.set('www-authenticate', 'Bearer realm="x"')
      return answer
    })
    expect((await agentIn(both).fetch(`${calendar}/agenda`)).status).toBe(200)
  })

  test.each([
    ['twice', 'httpsig; identity=?1, httpsig; identity=?1', 'gave_up'],
    ['a parameter twice', 'httpsig; identity=?1; identity=?1', 'gave_up'],
    ['of a wrong type', 'httpsig; identity="yes"', 'gave_up'],
    ['another token', 'bearer; identity=?1', 'gave_up'],
    ['auth-token alone', 'httpsig; auth-token', 'gave_up'],
    ['100 KB', `httpsig; x="${'a'.repeat(100_000)}"`, 'gave_up'],
    ['with an unknown parameter', 'httpsig; identity=?1; colour="red"', 'answered'],
  ])(verifies('CLI-18', 'challenge.unknown-parameters', 'a challenge %s'), async (_, challenge, outcome) => {
    const own = await world()
    own.network.intercept(calendar, async (exchange, next) => {
      const response = await next(exchange)
      return response.status === 401 ? refusal(401, challenge, 'insufficient_level') : response
    })
    const response = await agentIn(own).fetch(`${calendar}/agenda`)
    expect(explain(response).outcome).toBe(outcome)
    expect(schemes(own, calendar)).toEqual(outcome === 'answered' ? ['none', 'jwks_uri'] : ['none'])
  })

  test.each(['-1', '0', '99999999', 'Thu, 01 Jan 1970 00:00:00 GMT', 'soon', ''])(
    verifies('CLI-17', 'agent.final', 'a 429 with Retry-After %j is returned at once, after one step up'),
    async retryAfter => {
      const own = await world()
      const waits: number[] = []
      answers(own, () => refusal(429, 'httpsig; identity=?1', 'rate_limited', { 'retry-after': retryAfter }))
      const response = await agentIn(own, { sleep: async seconds => void waits.push(seconds) }).fetch(
        `${calendar}/feed`,
      )
      expect(response.status).toBe(429)
      expect(explain(response).outcome).toBe('refused')
      expect(schemes(own, calendar)).toEqual(['none', 'jwks_uri'])
      expect(waits).toEqual([])
    },
  )

  test(
    verifies('CLI-17', 'agent.rounds', 'over the limit of the next level, too: the second 429 is the answer'),
    async () => {
      const own = await world()
      own.network.intercept(calendar, exchange =>
        refusal(429, exchange.header('signature') === undefined ? 'httpsig' : 'httpsig; identity=?1', 'rate_limited'),
      )
      const response = await agentIn(own).fetch(`${calendar}/feed`)
      expect(response.status).toBe(429)
      expect(schemes(own, calendar)).toEqual(['none', 'hwk'])
    },
  )

  test.each([
    ['1', [1], 2],
    ['5', [5], 2],
    ['0', [1], 2],
    ['6', [], 1],
    ['1000000', [], 1],
    ['-1', [], 1],
    ['Thu, 01 Jan 1970 00:00:00 GMT', [], 1],
  ])(
    verifies('CLI-17', 'NON-19', 'sig.replay.resent', 'a 503 with Retry-After %j is waited out at most once'),
    async (retryAfter, expected, count) => {
      const own = await world()
      const agent = agentIn(own, { sleep: async seconds => void waits.push(seconds) })
      const waits: number[] = []
      await agent.fetch(`${calendar}/agenda`)
      own.network.sent.length = 0
      answers(own, () => refusal(503, 'httpsig', 'temporarily_unavailable', { 'retry-after': retryAfter }))
      const response = await agent.fetch(`${calendar}/agenda`, { method: 'POST', body: 'x' })
      expect(response.status).toBe(503)
      expect(explain(response).reason).toBe('calendar.example cannot answer now')
      expect(waits).toEqual(expected)
      expect(own.network.sent).toHaveLength(count)
      expect(new Set(own.network.sent.map(exchange => exchange.header('signature'))).size).toBe(count)
    },
  )

  test.each([
    ['POST', 'httpsig', 2],
    ['DELETE', 'httpsig; colour="red"', 2],
    ['POST', undefined, 1],
    ['DELETE', undefined, 1],
    ['POST', 'httpsig; identity=?1', 1],
    ['POST', 'httpsig; algs="Ed25519"', 1],
    ['POST', 'httpsig; user_interaction="https://calendar.example/interact"', 1],
    ['POST', 'httpsig, httpsig', 1],
    ['POST', 'bearer', 1],
    ['GET', undefined, 2],
  ])(
    verifies('NON-16', 'sig.replay.resent', 'a 503 to a %s is followed by another request only where it says %j'),
    async (method, agentAuth, count) => {
      const own = await world()
      const agent = agentIn(own)
      await agent.fetch(`${calendar}/agenda`)
      own.network.sent.length = 0
      const headers = { 'retry-after': '1', 'cache-control': 'no-store', vary: 'Signature-Key' }
      answers(own, () => refusal(503, agentAuth, 'temporarily_unavailable', headers))
      expect((await agent.fetch(`${calendar}/agenda`, { method })).status).toBe(503)
      expect(own.network.sent).toHaveLength(count)
    },
  )

  test(verifies('sig.replay.resent', 'without Retry-After, or without the status, nothing is resent'), async () => {
    for (const [status, more] of [
      [503, {}],
      [500, { 'retry-after': '1' }],
      [425, { 'retry-after': '1' }],
    ] as const) {
      const own = await world()
      const agent = agentIn(own)
      await agent.fetch(`${calendar}/agenda`)
      own.network.sent.length = 0
      answers(own, () => refusal(status, 'httpsig', 'temporarily_unavailable', more))
      expect((await agent.fetch(`${calendar}/agenda`, { method: 'POST', body: 'x' })).status).toBe(status)
      expect(own.network.sent).toHaveLength(1)
    }
  })

  test.each(['feed', 'public'])(
    verifies('NON-21', 'sig.replay.resent', 'no level is climbed because of a 503: /%s'),
    async path => {
      const own = await world()
      // What was shown before is shown again: a key without a name, or nothing.
      const agent = agentIn(own)
      await agent.fetch(`${calendar}/${path}`, { method: 'POST', body: 'x' })
      const before = schemes(own, calendar).at(-1)
      expect(before).toBe(path === 'feed' ? 'hwk' : 'none')
      own.network.sent.length = 0
      let refusals = 0
      own.network.intercept(calendar, (exchange, next) =>
        refusals++ === 0 ? refusal(503, 'httpsig', 'temporarily_unavailable', { 'retry-after': '1' }) : next(exchange),
      )
      const response = await agent.fetch(`${calendar}/${path}`, { method: 'POST', body: 'x' })
      expect(response.status).toBe(200)
      expect(schemes(own, calendar)).toEqual([before, before])
    },
  )

  test(
    verifies('sig.replay.agent', 'replay_detected is returned, never signed anew, and the outcome is unknown'),
    async () => {
      const own = await world()
      const agent = agentIn(own)
      await agent.fetch(`${calendar}/agenda`)
      own.network.sent.length = 0
      answers(own, () => refusal(401, 'httpsig; identity=?1', 'replay_detected'))
      const response = await agent.fetch(`${calendar}/agenda`, { method: 'POST', body: 'x' })
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: 'replay_detected' })
      expect(explain(response)).toMatchObject({ outcome: 'unknown' })
      expect(own.network.sent).toHaveLength(1)
    },
  )

  test(
    verifies('sig.covered.agent', 'error.required-components', 'components the resource demands are covered, once'),
    async () => {
      const own = await world()
      const demand = { error: 'invalid_signature', required_components: ['@method', 'x-tenant'] }
      answers(own, () => Response.json(demand, { status: 401, headers: { 'agent-auth': 'httpsig' } }))
      const response = await agentIn(own).fetch(`${calendar}/feed`, { headers: { 'X-Tenant': 'a' } })
      const inputs = own.network.sent.map(exchange => exchange.header('signature-input')?.includes('"x-tenant"'))
      expect(inputs).toEqual([undefined, false, true])
      expect(explain(response).outcome).toBe('refused')
    },
  )

  test.each([
    ['a value outside ASCII', { 'x-name': 'é' }, ['x-name']],
    [
      'more headers than a signature may cover',
      Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`x-${index}`, 'a'])),
      Array.from({ length: 32 }, (_, index) => `x-${index}`),
    ],
  ])(
    verifies('CLI-18', 'agent.rounds', 'a demand that no signature can meet ends as a refusal: %s'),
    async (_, headers: Record<string, string>, required_components) => {
      const own = await world()
      const demand = { error: 'invalid_signature', required_components }
      answers(own, () => Response.json(demand, { status: 401, headers: { 'agent-auth': 'httpsig' } }))
      const agent = agentIn(own)
      for (const _call of ['first', 'remembered']) {
        const response = await agent.fetch(`${calendar}/feed`, { headers })
        expect(explain(response)).toMatchObject({ level: 'pseudonymous', outcome: 'refused' })
      }
    },
  )

  test('a clock that differs is named', async () => {
    const own = await world()
    const date = new Date((own.clock.time - 120) * 1000).toUTCString()
    answers(own, () => refusal(401, 'httpsig', 'invalid_signature', { date }))
    const response = await agentIn(own).fetch(`${calendar}/feed`)
    expect(explain(response).reason).toBe(
      'calendar.example does not accept the signature: this clock is 120 s ahead of its own',
    )
  })

  test('a challenge whose body drips is followed at once', async () => {
    const own = await world()
    own.network.intercept(calendar, async (exchange, next) => {
      const response = await next(exchange)
      if (response.status !== 401) return response
      const drips = new ReadableStream({ pull: () => new Promise(() => undefined) })
      return new Response(drips, response)
    })
    expect((await agentIn(own).fetch(`${calendar}/agenda`)).status).toBe(200)
  })
})
