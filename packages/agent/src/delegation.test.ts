import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { calls, delegateIn } from './agents.test.fixture.js'
import { explain } from './explanation.js'
import { auth, calendar, home, type World, world } from './participants.test.fixture.js'

const everywhere = [calendar, auth, home]
const onlyCalendar = [{ type: 'resources', any: [calendar] }]

/** The agent server gives each delegate conditions, and tokens for the receivers that it names; `asked` lists what was named. */
function limited(own: World, delegation: unknown, aud: readonly string[] = everywhere): string[] {
  const asked: string[] = []
  own.tamper.set('agent+jwt', claims => ({ ...claims, delegation, aud: [...(named ?? aud)] }))
  let named: readonly string[] | undefined
  own.network.intercept(home, async (exchange, next) => {
    const wants = /^\{"aud":"([^"]+)"\}$/.exec(exchange.text)?.[1]
    if (wants === undefined) return next(exchange)
    asked.push(wants)
    named = [wants, home]
    const response = await next({ ...exchange, text: '' })
    named = undefined
    return response
  })
  return asked
}

/** The receivers of the tokens that reached an origin. */
function audiences(own: World, origin: string): unknown[] {
  return own.network.sent
    .filter(exchange => exchange.origin === origin)
    .flatMap(exchange => /jwt="[^".]+\.([^".]+)\./.exec(exchange.header('signature-key') ?? '')?.[1] ?? [])
    .map(payload => JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>)
    .filter(claims => claims['delegation'] !== undefined)
    .map(claims => claims['aud'])
}

describe('a delegate with conditions', () => {
  test(verifies('policy.delegates', 'shows each receiver a token for it alone, and asks for it once'), async () => {
    const own = await world()
    const asked = limited(own, onlyCalendar)
    const agent = delegateIn(own)
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(asked).toEqual([calendar, auth])
    expect(new Set(audiences(own, calendar).map(String))).toEqual(new Set([String([calendar, home])]))
    expect(new Set(audiences(own, auth).map(String))).toEqual(new Set([String([auth, home])]))
    // Tokens for the replaced key are of no use any more: the refresh of the grant needs a new one.
    await agent.rotateKey()
    expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(asked).toEqual([calendar, auth, auth])
  })

  test('shows its token for all where the agent server gives none for one', async () => {
    const own = await world()
    limited(own, onlyCalendar)
    own.network.intercept(home, (exchange, next) =>
      exchange.text.startsWith('{"aud"')
        ? Response.json({ error: 'invalid_request' }, { status: 400 })
        : next(exchange),
    )
    const agent = delegateIn(own)
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    expect(calls(own, home)).toHaveLength(3)
    expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(calls(own, home)).toHaveLength(3)
  })

  test.each<readonly [string, unknown, readonly string[], string]>([
    ['a resource that is not in aud', [], [auth, home], calendar],
    [
      'a resource that its conditions do not list',
      [{ type: 'resources', any: ['https://*.corp.example'] }],
      everywhere,
      calendar,
    ],
  ])(
    verifies('DEL-51', 'policy.delegates', 'policy.resources', 'tells %s nothing of itself'),
    async (_, delegation, aud) => {
      const own = await world()
      const asked = limited(own, delegation, aud)
      const agent = delegateIn(own)
      const response = await agent.fetch(`${calendar}/agenda`)
      expect(response.status).toBe(401)
      expect(explain(response)).toMatchObject({
        outcome: 'gave_up',
        reason: expect.stringMatching(/^the delegation of this agent does not list this resource, so nothing was sent/),
      })
      expect([audiences(own, calendar), asked]).toEqual([[], []])
      await expect(agent.requestAccess({ resource: calendar, scope: 'events.read' })).rejects.toMatchObject({
        code: 'not_allowed',
        cause: { receiver: calendar },
      })
      expect(audiences(own, calendar)).toEqual([])
    },
  )

  const always = { zone: 'UTC', days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00' }

  test.each<readonly [string, object, object]>([
    ['until', { time: 1_000 }, { time: 10_000_000_000 }],
    ['hours', { ...always, days: [4], from: '00:00', to: '00:01' }, always],
  ])(
    verifies(
      'DEL-77',
      'policy.delegates.agent',
      'whose condition `%s` does not hold is shown to no resource and no auth server; where it holds, it is',
    ),
    async (type, wrong, right) => {
      const own = await world()
      const asked = limited(own, [{ type, ...wrong }])
      const agent = delegateIn(own)
      const response = await agent.fetch(`${calendar}/agenda`)
      expect(response.status).toBe(401)
      expect(explain(response)).toMatchObject({
        outcome: 'gave_up',
        reason: expect.stringContaining(`the condition \`${type}\` of the delegation of this agent does not hold`),
      })
      await expect(agent.requestAccess({ resource: calendar, scope: 'events.read' })).rejects.toMatchObject({
        code: 'not_allowed',
        cause: { receiver: calendar, condition: type },
      })
      await expect(agent.signIn({ authServer: auth, scope: 'openid' })).rejects.toMatchObject({
        code: 'not_allowed',
        cause: { receiver: auth, condition: type },
      })
      expect([audiences(own, calendar), audiences(own, auth), asked]).toEqual([[], [], []])
      const allowed = await world()
      limited(allowed, [{ type, ...right }])
      expect((await delegateIn(allowed).fetch(`${calendar}/events`)).status).toBe(200)
    },
  )

  test(
    verifies('DEL-77', 'policy.delegates.agent', 'asks for no scope that its own conditions do not list'),
    async () => {
      const own = await world()
      limited(own, [{ type: 'scopes', any: ['events.read'] }])
      const agent = delegateIn(own)
      await expect(agent.requestAccess({ resource: calendar, scope: 'events.write' })).rejects.toMatchObject({
        code: 'not_allowed',
        cause: { receiver: calendar, condition: 'scopes' },
      })
      expect(audiences(own, calendar)).toEqual([])
      await expect(agent.signIn({ authServer: auth, scope: 'openid email' })).rejects.toMatchObject({
        code: 'not_allowed',
        cause: { receiver: auth, condition: 'scopes' },
      })
      expect(calls(own, auth)).toEqual([])
      // What it may ask for passes; and a route without a scope needs none.
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    },
  )

  test.each<readonly [string, object]>([
    ['hours of a zone that its platform does not know', { type: 'hours', ...always, zone: 'Nowhere/City', days: [4] }],
    ['purposes', { type: 'purposes', any: ['support'] }],
    ['calls', { type: 'calls', max: 0, per: 'day' }],
    ['a wrong form', { type: 'until', time: 'soon' }],
    ['an unknown type', { type: 'of tomorrow' }],
  ])(
    verifies('DEL-77', 'policy.delegates.agent', 'leaves to the receiver what it cannot judge: %s'),
    async (_, condition) => {
      const own = await world()
      limited(own, [condition])
      const response = await delegateIn(own).fetch(`${calendar}/agenda`)
      expect(audiences(own, calendar)).not.toEqual([])
      // This resource reads conditions and judges none: it refuses what has no form that it knows.
      expect([200, 403]).toContain(response.status)
      expect(['answered', 'refused']).toContain(explain(response).outcome)
    },
  )

  test(verifies('DEL-51', 'policy.delegates', 'asks no auth server that is not in aud'), async () => {
    const own = await world()
    limited(own, onlyCalendar, [calendar, home])
    const response = await delegateIn(own).fetch(`${calendar}/events`)
    expect(explain(response).reason).toMatch(/does not list this auth server, so nothing was sent/)
    expect(calls(own, auth)).toEqual([])
  })

  test('a wildcard of its conditions lists the resource, and no conditions need no token of its own', async () => {
    const own = await world()
    const asked = limited(own, [{ type: 'resources', any: ['https://*.example'] }])
    expect((await delegateIn(own).fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(asked).toEqual([calendar])
    const free = await world()
    expect((await delegateIn(free).fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(calls(free, home)).toEqual(['POST /delegates'])
  })
})
