import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import type { Agent } from '../agent.js'
import { agentIn } from '../agents.test.fixture.js'
import { AgentError } from '../error.js'
import { callbackRoute } from '../interact/callback-route.js'
import { auth, calendar } from '../participants.test.fixture.js'
import { callback, formsOf, type Users, worldOfUsers } from '../users.test.fixture.js'

const events = `${calendar}/events`

/** A session that waits for its callback, and the honest one. */
async function asked(): Promise<{ agent: Agent; users: Users; back: URL }> {
  const { own, users, decide } = await worldOfUsers()
  const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
  return { agent, users, back: decide(await urlOf(agent.fetch(events)), { user: 'ada' }) }
}

async function urlOf(call: Promise<unknown>): Promise<string> {
  const error = await call.catch((thrown: unknown) => thrown)
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  return error.url
}

function changed(url: URL, change: (query: URLSearchParams) => void): URL {
  const other = new URL(url)
  change(other.searchParams)
  return other
}

describe('a callback', () => {
  test(verifies('CLI-08', 'agent.checks.callback', 'of this session is redeemed, once'), async () => {
    const { agent, users, back } = await asked()
    expect((await agent.handleCallback(back)).scope).toBe('events.read')
    await expect(agent.handleCallback(back)).rejects.toMatchObject({
      code: 'invalid_callback',
      cause: { member: 'state' },
    })
    expect(formsOf(users, 'code')).toHaveLength(1)
  })

  test(verifies('CLI-08', 'agent.checks.callback', 'that comes twice at once is redeemed once'), async () => {
    const { agent, users, back } = await asked()
    const both = await Promise.allSettled([agent.handleCallback(back), agent.handleCallback(back)])
    expect(both.map(({ status }) => status).toSorted((a, b) => a.localeCompare(b))).toEqual(['fulfilled', 'rejected'])
    expect(formsOf(users, 'code')).toHaveLength(1)
  })

  test.each<readonly [string, (query: URLSearchParams) => void]>([
    ['no state', query => query.delete('state')],
    ['an empty state', query => query.set('state', '')],
    ['another state', query => query.set('state', 'A'.repeat(43))],
    ['the state twice', query => query.append('state', query.get('state') ?? '')],
    ['a prefix of the state', query => query.set('state', query.get('state')?.slice(0, -1) ?? '')],
  ])(
    verifies('CLI-08', 'agent.checks.callback', 'with %s redeems nothing, and the honest one still does'),
    async (_, change) => {
      const { agent, users, back } = await asked()
      await expect(agent.handleCallback(changed(back, change))).rejects.toMatchObject({
        code: 'invalid_callback',
        cause: { member: 'state' },
      })
      expect(formsOf(users, 'code')).toEqual([])
      expect((await agent.handleCallback(back)).scope).toBe('events.read')
    },
  )

  test.each<readonly [string, string, (query: URLSearchParams) => void]>([
    ['no iss', 'iss', query => query.delete('iss')],
    ['another iss', 'iss', query => query.set('iss', 'https://evil.example')],
    ['iss with a slash', 'iss', query => query.set('iss', `${auth}/`)],
    ['iss twice', 'iss', query => query.append('iss', auth)],
    [
      'another iss and an error',
      'iss',
      query => {
        query.set('iss', 'https://evil.example')
        query.set('error', 'access_denied')
      },
    ],
    ['no code', 'code', query => query.delete('code')],
    ['an empty code', 'code', query => query.set('code', '')],
    ['the code twice', 'code', query => query.append('code', 'other')],
    ['code and error', 'code', query => query.set('error', 'access_denied')],
  ])(verifies('CLI-08', 'CLI-20', 'with %s redeems nothing, and its state is spent'), async (_, member, change) => {
    const { agent, users, back } = await asked()
    await expect(agent.handleCallback(changed(back, change))).rejects.toMatchObject({
      code: 'invalid_callback',
      cause: { member },
    })
    await expect(agent.handleCallback(back)).rejects.toMatchObject({ code: 'invalid_callback' })
    expect(formsOf(users, 'code')).toEqual([])
  })

  test(verifies('CLI-08', 'agent.checks.callback', 'that says no is a denial, and a new call asks anew'), async () => {
    const { own, users, decide } = await worldOfUsers()
    const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    const back = decide(await urlOf(agent.fetch(events)), { error: 'access_denied' })
    await expect(agent.handleCallback(back)).rejects.toMatchObject({
      code: 'denied',
      message: 'the user said no',
      cause: { error: 'access_denied' },
    })
    expect(formsOf(users, 'code')).toEqual([])
    const again = decide(await urlOf(agent.fetch(events)), { user: 'ada' })
    expect((await agent.handleCallback(again)).scope).toBe('events.read')
  })

  test(
    verifies('CLI-08', 'agent.checks.callback', 'with markup in place of an error code does not pass it on'),
    async () => {
      const { own, decide } = await worldOfUsers()
      const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
      const back = decide(await urlOf(agent.fetch(events)), { error: '<script>alert(1)</script>' })
      back.searchParams.set('error_description', '<b>hello</b>')
      const error: unknown = await agent.handleCallback(back).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'denied', cause: {} })
      expect(JSON.stringify([String(error), (error as AgentError).cause])).not.toMatch(/script|hello/)
    },
  )

  test('that is no URL is not quoted', async () => {
    const { agent } = await asked()
    const error: unknown = await agent.handleCallback('https://[x?code=secret').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'invalid_callback', cause: { member: 'url' } })
  })

  test('that comes too late redeems nothing', async () => {
    const { own, users, decide } = await worldOfUsers()
    const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    const back = decide(await urlOf(agent.fetch(events)), { user: 'ada' })
    own.clock.time += 661
    await expect(agent.handleCallback(back)).rejects.toMatchObject({ code: 'invalid_callback' })
    expect(formsOf(users, 'code')).toEqual([])
  })

  test('whose issuer was taken off the list redeems nothing', async () => {
    const { own, users, decide } = await worldOfUsers()
    let trusted = true
    const interact = callbackRoute({ redirectUri: callback })
    const agent = agentIn(own, { interact, acceptAuthServer: () => trusted })
    const back = decide(await urlOf(agent.fetch(events)), { user: 'ada' })
    trusted = false
    await expect(agent.handleCallback(back)).rejects.toMatchObject({ code: 'not_allowed' })
    expect(formsOf(users, 'code')).toEqual([])
  })
})

describe('what an auth server answers to a request that needs a user', () => {
  test.each<readonly [string, string, (answer: Record<string, unknown>) => Record<string, unknown>]>([
    ['a request token that is a list', 'request_token', answer => ({ ...answer, request_token: ['a'] })],
    ['an empty request token', 'request_token', answer => ({ ...answer, request_token: '' })],
    ['an endless request token', 'request_token', answer => ({ ...answer, request_token: 'a'.repeat(5000) })],
    ['no life', 'expires_in', ({ expires_in: _, ...answer }) => answer],
    ['a life of text', 'expires_in', answer => ({ ...answer, expires_in: '600' })],
    ['a life that is over', 'expires_in', answer => ({ ...answer, expires_in: 0 })],
    ['nothing', 'request_token', () => ({})],
  ])('%s is refused', async (_, member, tamper) => {
    const { own, users } = await worldOfUsers()
    users.tamper = tamper
    const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    await expect(agent.fetch(events)).rejects.toMatchObject({ code: 'invalid_answer', cause: { member } })
  })

  test(
    verifies('CLI-07', 'agent.checks.user-url', 'an auth server without a page on its own origin gets no user'),
    async () => {
      for (const [agent_auth_endpoint, member] of [
        [undefined, 'agent_auth_endpoint'],
        ['http://auth.example/authorize', 'discovery_failed'],
        ['javascript:alert(1)', 'discovery_failed'],
        ['file:///etc/passwd', 'discovery_failed'],
        ['--help', 'discovery_failed'],
        ['https://evil.example/authorize', 'discovery_failed'],
        ['https://ada@auth.example/authorize', 'discovery_failed'],
      ] as const) {
        const { own } = await worldOfUsers()
        own.network.intercept(auth, async (exchange, next) => {
          const response = await next(exchange)
          if (exchange.target !== '/.well-known/aauth-issuer') return response
          return Response.json({ ...((await response.json()) as object), agent_auth_endpoint })
        })
        const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
        await expect(agent.fetch(events), String(agent_auth_endpoint)).rejects.toMatchObject({
          code: 'invalid_answer',
          url: undefined,
          cause: { member },
        })
      }
    },
  )

  test.each<readonly [string, string, (claims: Record<string, unknown>) => Record<string, unknown>]>([
    ['iss', 'invalid_auth_token', claims => ({ ...claims, iss: 'https://auth2.example' })],
    ['aud', 'invalid_auth_token', claims => ({ ...claims, aud: 'https://other.example' })],
    ['agent', 'agent', claims => ({ ...claims, agent: 'https://other.example' })],
    ['agent_delegate', 'agent_delegate', claims => ({ ...claims, agent_delegate: 'd2' })],
    ['scope', 'scope', claims => ({ ...claims, scope: 'events.read events.write' })],
    [
      'exp',
      'invalid_auth_token',
      claims => ({ ...claims, iat: Number(claims['iat']) - 700, exp: Number(claims['iat']) - 100 }),
    ],
  ])(
    verifies('CLI-11', 'agent.checks.token-answer', 'the token for a code is checked as every other: %s'),
    async (_, member, tamper) => {
      const { own, decide } = await worldOfUsers()
      const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
      const back = decide(await urlOf(agent.fetch(events)), { user: 'ada' })
      own.tamper.set('auth+jwt', tamper)
      await expect(agent.handleCallback(back)).rejects.toMatchObject({ code: 'invalid_answer', cause: { member } })
      own.tamper.clear()
      // Nothing of it was kept.
      await expect(agent.fetch(events)).rejects.toMatchObject({ code: 'interaction_required' })
    },
  )
})
