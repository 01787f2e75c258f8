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
