import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, calls, delegateIn, schemes } from '../agents.test.fixture.js'
import { explain } from '../explanation.js'
import { auth, calendar, home, type World, world } from '../participants.test.fixture.js'
import { memoryState } from '../state/state.js'
import { covers, type Grant, openGrants } from './grants.js'

const me = { agent: home }
const grant = (scope: string, more: Partial<Grant> = {}): Grant => ({
  issuer: auth,
  resource: calendar,
  scope,
  authToken: `token of ${scope}`,
  expires: 2_000_000_000,
  renewAt: 1_999_999_970,
  jkt: 'j',
  ...more,
})

/** Forms sent to the token endpoint. */
const forms = (own: World): string[] =>
  own.network.sent.filter(e => e.target === '/token').map(e => new URLSearchParams(e.text).get('request_type') ?? '')

describe('grants in state', () => {
  test(
    verifies('agent.tokens.kept', 'are stored by resource and scope, newest first, and replace grants that they cover'),
    async () => {
      const state = memoryState()
      const grants = openGrants(state)
      await grants.keep(me, grant('a'))
      await grants.keep(me, grant('b'))
      await grants.keep(me, grant('a b'))
      await grants.keep(me, grant('c'))
      await grants.keep(me, grant('a', { issuer: 'https://auth2.example' }))
      const again = await openGrants(state).at(me, calendar)
      expect(again.map(g => [g.issuer, g.scope])).toEqual([
        ['https://auth2.example', 'a'],
        [auth, 'c'],
        [auth, 'a b'],
      ])
      expect(await grants.at({ agent: home, delegate: 'd1' }, calendar)).toEqual([])
      expect(covers(grant('a b'), ['b'])).toBe(true)
      expect(covers(grant('a b'), ['b', 'c'])).toBe(false)
      expect(covers(grant('ab'), ['a'])).toBe(false)
    },
  )

  test('a resource that asks for ever new scopes does not fill the state', async () => {
    const grants = openGrants(memoryState())
    for (let n = 0; n < 100; n++) await grants.keep(me, grant(`s${n}`))
    expect(await grants.at(me, calendar)).toHaveLength(16)
  })

  test(verifies('agent.tokens.kept', 'two processes with one state keep each other’s grants'), async () => {
    const state = memoryState()
    const [one, other] = [openGrants(state), openGrants(state)]
    expect([await one.at(me, calendar), await other.at(me, calendar)]).toEqual([[], []])
    await Promise.all([one.keep(me, grant('a')), other.keep(me, grant('b')), one.keep(me, grant('c'))])
    await other.drop(me, grant('a'))
    expect((await openGrants(state).at(me, calendar)).map(g => g.scope).sort()).toEqual(['b', 'c'])
  })

  test('concurrent changes are all kept, and damaged entries are left out', async () => {
    const state = memoryState()
    const grants = openGrants(state)
    await Promise.all(['a', 'b', 'c'].map(scope => grants.keep(me, grant(scope))))
    await grants.drop(me, grant('b'))
    const key = `grants ${home}  ${calendar}`
    expect((await openGrants(state).at(me, calendar)).map(g => g.scope)).toEqual(['c', 'a'])
    await state.write(key, [{ ...grant('a'), expires: 'soon' }, null, grant('b')])
    expect((await openGrants(state).at(me, calendar)).map(g => g.scope)).toEqual(['b'])
    await state.write(key, 'damaged')
    expect(await openGrants(state).at(me, calendar)).toEqual([])
  })
})

describe('auth tokens end', () => {
  test.each([
    ['used until 30 s before its end', 569, []],
    ['refreshed from then on', 571, ['refresh']],
    ['refreshed after its end', 9000, ['refresh']],
  ])(verifies('agent.tokens.kept', 'a token is %s'), async (_, later, expected) => {
    const own = await world()
    const agent = agentIn(own)
    await agent.fetch(`${calendar}/events`)
    own.clock.time += later
    const response = await agent.fetch(`${calendar}/events`)
    expect(response.status).toBe(200)
    expect(explain(response).steps.map(step => step.what)).toEqual([...expected, 'sign'])
    expect(forms(own)).toEqual(['auth', ...expected])
  })

  test(
    verifies(
      'refresh.not-rotated',
      'agent.refresh-to-issuer',
      'the same refresh token serves again, at its issuer only',
    ),
    async () => {
      const own = await world()
      const agent = agentIn(own)
      await agent.fetch(`${calendar}/events`)
      for (let n = 0; n < 3; n++) {
        own.clock.time += 700
        expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      }
      expect(forms(own)).toEqual(['auth', 'refresh', 'refresh', 'refresh'])
      const carriers = own.network.sent.filter(exchange => exchange.text.includes('refresh-0'))
      expect(new Set(carriers.map(exchange => exchange.origin))).toEqual(new Set([auth]))
    },
  )

  test('many calls at once refresh once', async () => {
    const own = await world()
    const agent = agentIn(own)
    await agent.fetch(`${calendar}/events`)
    own.clock.time += 700
    const all = await Promise.all(Array.from({ length: 20 }, () => agent.fetch(`${calendar}/events`)))
    expect(all.every(response => response.status === 200)).toBe(true)
    expect(forms(own)).toEqual(['auth', 'refresh'])
  })

  test('a late challenge uses the grant that another call got meanwhile', async () => {
    const own = await world()
    const agent = agentIn(own)
    let hold: Promise<unknown> | undefined
    own.network.intercept(calendar, async (exchange, next) => {
      const response = await next(exchange)
      if (exchange.header('x-slow') !== undefined && response.headers.get('agent-auth')?.includes('auth-token'))
        await hold
      return response
    })
    hold = agent.fetch(`${calendar}/events`)
    expect((await agent.fetch(`${calendar}/events`, { headers: { 'x-slow': '1' } })).status).toBe(200)
    expect(forms(own)).toEqual(['auth'])
  })

  test('invalid_grant: the grant is forgotten and the agent climbs again', async () => {
    const own = await world()
    const agent = agentIn(own)
    await agent.fetch(`${calendar}/events`)
    own.refreshTokens.delete('refresh-0')
    own.refreshTokens.set('taken', { agent: 'https://other.example', scope: 'events.read' })
    own.clock.time += 700
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    expect(forms(own)).toEqual(['auth', 'refresh', 'auth'])
  })

  test(verifies('refresh.denied-keeps', 'access_denied keeps the refresh token for another day'), async () => {
    const own = await world()
    const agent = agentIn(own)
    await agent.fetch(`${calendar}/events`)
    own.clock.time += 700
    own.denies = true
    const refused = await agent.fetch(`${calendar}/events`)
    expect(refused.status).toBe(401)
    expect(explain(refused).reason).toContain('403 access_denied')
    own.denies = false
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    // Each call asks once, although the refused one was challenged as well.
    expect(forms(own)).toEqual(['auth', 'refresh', 'refresh'])
  })

  test.each([
    ['nothing more', {}, 1],
    ['that nothing was done', { 'agent-auth': 'httpsig', 'retry-after': '1' }, 2],
  ])(
    verifies(
      'NON-24',
      'sig.replay.no-repeat',
      'a refresh that fails is not repeated because of the challenge that follows: a 503 that says %s',
    ),
    async (_, headers, requests) => {
      const own = await world()
      const agent = agentIn(own)
      await agent.fetch(`${calendar}/events`)
      own.clock.time += 700
      const refused: string[] = []
      let isDown = true
      own.network.intercept(auth, (exchange, next) => {
        if (exchange.target !== '/token' || !isDown) return next(exchange)
        refused.push(exchange.header('signature') ?? '')
        return Response.json({ error: 'temporarily_unavailable' }, { status: 503, headers })
      })
      await expect(agent.fetch(`${calendar}/events`)).rejects.toMatchObject({
        code: 'unreachable',
        cause: { status: 503 },
      })
      expect(refused).toHaveLength(requests)
      await expect(agent.requestAccess({ resource: calendar, scope: 'events.read' })).rejects.toMatchObject({
        code: 'unreachable',
      })
      expect(refused).toHaveLength(2 * requests)
      // A call that needs no token does without, and the next one asks again.
      expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
      expect(refused).toHaveLength(3 * requests)
      isDown = false
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    },
  )

  test('an auth server that is down does not matter while the token is valid', async () => {
    const own = await world()
    const agent = agentIn(own)
    await agent.fetch(`${calendar}/events`)
    own.network.intercept(auth, (exchange, next) =>
      exchange.target === '/token' ? new Response(null, { status: 502 }) : next(exchange),
    )
    own.clock.time += 580
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    own.clock.time += 30
    await expect(agent.fetch(`${calendar}/events`)).rejects.toMatchObject({ code: 'unreachable' })
    expect((await agent.fetch(`${calendar}/public`)).status).toBe(200)
  })

  test(
    verifies('agent.key-changed', 'a token the resource refuses is refreshed before anything new is asked'),
    async () => {
      const own = await world()
      const agent = agentIn(own)
      await agent.fetch(`${calendar}/events`)
      const old = own.network.sent.at(-1)?.header('signature-key')
      own.network.intercept(calendar, (exchange, next) => {
        if (exchange.header('signature-key') !== old) return next(exchange)
        const error = { error: 'invalid_auth_token', error_description: 'revoked' }
        return Response.json(error, { status: 401, headers: { 'agent-auth': 'httpsig; identity=?1' } })
      })
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      expect(forms(own)).toEqual(['auth', 'refresh'])
    },
  )
})

describe('restarts', () => {
  test(
    verifies('agent.tokens.kept', 'from its saved state a delegate goes on without enrolment or new grant'),
    async () => {
      const own = await world()
      const state = memoryState()
      await delegateIn(own, { state }).fetch(`${calendar}/events`)
      own.network.sent.length = 0
      const response = await delegateIn(own, { state }).fetch(`${calendar}/events`)
      expect(response.status).toBe(200)
      expect(own.network.sent.map(exchange => exchange.origin)).toEqual([calendar])
      own.clock.time += 700
      expect((await delegateIn(own, { state }).fetch(`${calendar}/events`)).status).toBe(200)
      expect(forms(own)).toEqual(['refresh'])
      expect(calls(own, home)).toEqual([])
    },
  )

  test(
    verifies(
      'agent.key-changed',
      'refresh.not-bound-to-key',
      'with lost keys it enrols again and refreshes for the new key',
    ),
    async () => {
      const own = await world()
      const state = memoryState()
      await delegateIn(own, { state }).fetch(`${calendar}/events`)
      const before = await openGrants(state).at({ agent: home, delegate: 'd1' }, calendar)
      await state.remove(`delegate ${home}`)
      own.network.sent.length = 0
      const response = await delegateIn(own, { state, code: 'second' }).fetch(`${calendar}/events`)
      expect(response.status).toBe(200)
      expect(forms(own)).toEqual(['refresh'])
      expect(schemes(own, calendar)).toEqual(['none', 'jwt', 'jwt'])
      const after = await openGrants(state).at({ agent: home, delegate: 'd1' }, calendar)
      expect(after[0]?.refreshToken).toBe('refresh-0')
      expect(after[0]?.jkt).not.toBe(before[0]?.jkt)
      expect(after).toHaveLength(1)
      expect(
        own.network.sent.some(exchange => exchange.header('signature-key')?.includes(before[0]?.authToken ?? '-')),
      ).toBe(false)
    },
  )

  test(
    verifies('trust.agent.auth-server', 'an auth server taken off the list gets no saved refresh token'),
    async () => {
      const own = await world()
      const state = memoryState()
      await agentIn(own, { state }).fetch(`${calendar}/events`)
      for (const later of [0, 700]) {
        own.clock.time += later
        own.network.sent.length = 0
        const agent = agentIn(own, { state, acceptAuthServer: ['https://other-auth.example'] })
        const response = await agent.fetch(`${calendar}/events`)
        expect(response.status).toBe(401)
        expect(explain(response).reason).toContain('acceptAuthServer does not list')
        expect(calls(own, auth).filter(call => call.startsWith('POST'))).toEqual([])
      }
      expect((await agentIn(own, { state }).fetch(`${calendar}/events`)).status).toBe(200)
      expect(forms(own)).toEqual(['refresh'])
    },
  )

  test(
    verifies('refresh.bound-to-delegate', 'another delegate in the same state uses none of its grants'),
    async () => {
      const own = await world()
      const state = memoryState()
      own.delegates.codes.set('third', 'd2')
      await delegateIn(own, { state }).fetch(`${calendar}/events`)
      await state.remove(`delegate ${home}`)
      own.network.sent.length = 0
      expect((await delegateIn(own, { state, code: 'third' }).fetch(`${calendar}/events`)).status).toBe(200)
      expect(forms(own)).toEqual(['auth'])
    },
  )
})
