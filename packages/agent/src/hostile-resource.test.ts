import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, agentWithoutAuthServers, calls, delegateIn, refusal, schemes } from './agents.test.fixture.js'
import { explain } from './explanation.js'
import { auth, calendar, home, world } from './participants.test.fixture.js'

describe('the agent checks the resource, too', () => {
  test.each<readonly [string, (claims: Record<string, unknown>) => Record<string, unknown>]>([
    ['iss of another resource', claims => ({ ...claims, iss: 'https://other.example' })],
    ['aud of another auth server', claims => ({ ...claims, aud: 'https://auth2.example' })],
    ['another agent', claims => ({ ...claims, agent: 'https://other.example' })],
    ['another delegate', claims => ({ ...claims, agent_delegate: 'd2' })],
    ['no delegate', ({ agent_delegate: _, ...claims }) => claims],
    ['out of date', claims => ({ ...claims, iat: Number(claims['iat']) - 900, exp: Number(claims['exp']) - 900 })],
  ])(
    verifies('CLI-01', 'CLI-19', 'agent.checks.resource-token', 'a resource token with %s goes nowhere'),
    async (_, tamper) => {
      const own = await world()
      own.tamper.set('resource+jwt', tamper)
      const response = await delegateIn(own).fetch(`${calendar}/events`)
      expect(response.status).toBe(401)
      expect(explain(response).outcome).toBe('gave_up')
      expect(explain(response).reason).toMatch(/^the resource token /)
      expect(calls(own, auth)).toEqual([])
      own.tamper.clear()
      expect((await delegateIn(own, { code: 'second' }).fetch(`${calendar}/events`)).status).toBe(200)
    },
  )

  test(verifies('CLI-01', 'CLI-19', 'a resource token for another key goes nowhere'), async () => {
    const own = await world()
    const other = await thumbprint((await generateSigningKey()).publicJwk)
    own.tamper.set('resource+jwt', claims => ({ ...claims, agent_jkt: other }))
    const agent = agentIn(own)
    const response = await agent.fetch(`${calendar}/events`)
    expect(explain(response).reason).toContain('agent_jkt')
    expect(calls(own, auth)).toEqual([])
    own.tamper.clear()
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
  })

  test(verifies('CLI-01', 'agent.checks.resource-token', 'iss is compared before anything is fetched'), async () => {
    const own = await world()
    own.tamper.set('resource+jwt', claims => ({ ...claims, iss: 'https://internal.example' }))
    await agentIn(own).fetch(`${calendar}/events`)
    expect(own.network.documents.filter(url => url.startsWith('https://internal.example'))).toEqual([])
    expect(own.network.documents).not.toContain(`${auth}/.well-known/aauth-issuer`)
  })

  test(
    verifies(
      'CLI-01',
      'agent.checks.resource-token',
      'a resource token signed by a key of another party is not sent on',
    ),
    async () => {
      const own = await world()
      const stranger = await generateSigningKey()
      const jkt = await thumbprint(own.agentKey.publicJwk)
      own.network.intercept(calendar, async (exchange, next) => {
        const response = await next(exchange)
        if (!response.headers.get('agent-auth')?.includes('resource_token')) return response
        const iat = Math.floor(own.clock.time)
        const claims = {
          iss: calendar,
          aud: auth,
          agent: home,
          agent_jkt: jkt,
          scope: 'a',
          iat,
          exp: iat + 300,
          jti: 'x',
        }
        const token = await own.sign('resource+jwt', claims, stranger)
        return refusal(
          401,
          `httpsig; auth-token; resource_token="${token}"; auth_server="${auth}"`,
          'insufficient_level',
        )
      })
      const response = await agentIn(own).fetch(`${calendar}/events`)
      expect(explain(response).reason).toContain('could not be verified')
      expect(calls(own, auth)).toEqual([])
    },
  )

  test.each([
    ['is not on the list', ['https://other.example'], undefined],
    ['no list at all', undefined, undefined],
    ['http', 'any', 'http://auth.example'],
    ['an address', 'any', 'https://10.0.0.1'],
    ['loopback http', 'any', 'http://127.0.0.1:4120'],
    ['a path', 'any', 'https://auth.example/issuer'],
    ['a script', 'any', 'javascript:alert(1)'],
  ] as const)(
    verifies(
      'CLI-02',
      'trust.agent.auth-server',
      'agent.checks.auth-server',
      'an auth server that is not accepted gets nothing: %s',
    ),
    async (_, acceptAuthServer, named) => {
      const own = await world()
      if (named?.startsWith('http://127')) own.tamper.set('resource+jwt', claims => ({ ...claims, aud: named }))
      own.network.intercept(calendar, async (exchange, next) => {
        const response = await next(exchange)
        const challenge = response.headers.get('agent-auth')
        if (named === undefined || challenge === null) return response
        return refusal(response.status, challenge.replace(auth, named), 'insufficient_level')
      })
      const agent = acceptAuthServer === undefined ? agentWithoutAuthServers(own) : agentIn(own, { acceptAuthServer })
      const response = await agent.fetch(`${calendar}/events`)
      expect(response.status).toBe(401)
      expect(explain(response).outcome).toBe('gave_up')
      expect(calls(own, auth)).toEqual([])
      expect(own.network.documents.filter(url => !url.startsWith(calendar) && !url.startsWith(home))).toEqual([])
      expect((await agentIn(await world()).fetch(`${calendar}/events`)).status).toBe(200)
    },
  )

  test(
    verifies('agent.identify-to', 'CLI-14', 'identifyTo is asked again where the agent identified itself before'),
    async () => {
      const own = await world()
      let allowed = true
      const agent = agentIn(own, { identifyTo: () => allowed })
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      allowed = false
      own.network.sent.length = 0
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(401)
      expect(schemes(own, calendar)).toEqual(['none'])
    },
  )

  test(verifies('challenge.verified-only', 'a resource token for a request without a name goes nowhere'), async () => {
    const own = await world()
    const iat = Math.floor(own.clock.time)
    const jkt = await thumbprint(own.agentKey.publicJwk)
    const claims = { iss: calendar, aud: auth, agent: home, agent_jkt: jkt, scope: 'a', iat, exp: iat + 300, jti: 'x' }
    const token = await own.sign('resource+jwt', claims)
    const challenge = `httpsig; auth-token; resource_token="${token}"; auth_server="${auth}"`
    own.network.intercept(calendar, (exchange, next) =>
      exchange.target === '/events' ? refusal(401, challenge, 'insufficient_level') : next(exchange),
    )
    const response = await agentIn(own).fetch(`${calendar}/events`)
    expect(explain(response)).toMatchObject({
      outcome: 'gave_up',
      reason: 'calendar.example gave a resource token to a request without identity',
    })
    expect(calls(own, auth)).toEqual([])
  })

  test(
    verifies('agent.identify-to', 'CLI-14', 'the agent identifies itself only where identifyTo allows'),
    async () => {
      const own = await world()
      const agent = delegateIn(own, { identifyTo: ['https://*.acme.example'] })
      const response = await agent.fetch(`${calendar}/agenda`)
      expect(response.status).toBe(401)
      expect(explain(response)).toMatchObject({
        level: 'anonymous',
        outcome: 'gave_up',
        reason: 'calendar.example asked who you are; identifyTo does not list it, so nothing was sent',
      })
      expect(schemes(own, calendar)).toEqual(['none'])
      expect(calls(own, home)).toEqual([])
      expect((await delegateIn(own, { identifyTo: [calendar] }).fetch(`${calendar}/agenda`)).status).toBe(200)
    },
  )

  test.each([
    [`${auth}/token`, auth],
    [`${home}/delegates`, home],
  ])(
    verifies('CLI-14', 'agent.identify-to', 'no caller makes the agent sign for a token endpoint: %s'),
    async (url, origin) => {
      const own = await world()
      const agent = delegateIn(own)
      await agent.fetch(`${calendar}/events`)
      const before = schemes(own, origin).length
      const sent = await agent.fetch(url, { method: 'POST', body: new URLSearchParams({ request_type: 'refresh' }) })
      expect(sent.status).toBe(401)
      expect(schemes(own, origin).slice(before)).not.toContain('jwt')
      expect(schemes(own, origin).slice(before)).not.toContain('jwks_uri')
    },
  )

  test(verifies('CLI-14', 'nothing is signed for an origin that is not https'), async () => {
    const own = await world()
    own.network.hosts.set('http://calendar.example', () => refusal(401, 'httpsig', 'invalid_signature'))
    const response = await agentIn(own).fetch('http://calendar.example/feed')
    expect(explain(response)).toMatchObject({ level: 'anonymous', outcome: 'gave_up' })
    expect(schemes(own, 'http://calendar.example')).toEqual(['none'])
    const local = 'http://localhost:4130'
    own.network.hosts.set(local, exchange =>
      exchange.header('signature') ? new Response() : refusal(401, 'httpsig', 'invalid_signature'),
    )
    expect((await agentIn(own, { development: true }).fetch(`${local}/feed`)).status).toBe(200)
  })
})
