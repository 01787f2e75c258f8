import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, agentWithoutAuthServers, calls, delegateIn, schemes } from '../agents.test.fixture.js'
import { auth, calendar, type World, world } from '../participants.test.fixture.js'

const wanted = { resource: calendar, scope: 'events.read' }

/** The resource token endpoint answers otherwise. */
function endpoint(own: World, change: (answer: Record<string, unknown>) => Record<string, unknown>): void {
  own.network.intercept(calendar, async (exchange, next) => {
    const response = await next(exchange)
    return exchange.target === '/resource-token' ? Response.json(change(await response.json())) : response
  })
}

describe('requestAccess', () => {
  test(verifies('agent.tokens.kept', 'gets the token ahead, so that the first call passes at once'), async () => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.requestAccess(wanted)
    const [request] = own.network.sent.filter(exchange => exchange.target === '/resource-token')
    expect(request?.text).toBe('scope=events.read')
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    expect(schemes(own, calendar)).toEqual(['jwt', 'jwt'])
    await agent.requestAccess(wanted)
    await agent.requestAccess({ ...wanted, authServer: auth })
    expect(calls(own, auth)).toHaveLength(1)
  })

  test.each<readonly [string, (answer: Record<string, unknown>) => Record<string, unknown>, string]>([
    ['another auth server', answer => ({ ...answer, auth_server: 'https://auth2.example' }), 'invalid_answer'],
    ['no auth server', ({ auth_server: _, ...answer }) => answer, 'invalid_answer'],
    ['no token', ({ resource_token: _, ...answer }) => answer, 'invalid_answer'],
    ['a token that is none', answer => ({ ...answer, resource_token: 'x' }), 'invalid_resource_token'],
  ])(verifies('CLI-01', 'agent.checks.auth-server', 'refuses %s, and asks no auth server'), async (_, change, code) => {
    const own = await world()
    endpoint(own, change)
    await expect(agentIn(own).requestAccess({ ...wanted, authServer: auth })).rejects.toMatchObject({ code })
    expect(calls(own, auth)).toEqual([])
  })

  test(verifies('agent.identify-to', 'trust.agent.auth-server', 'keeps to the agent’s own policy'), async () => {
    const own = await world()
    await expect(agentIn(own, { identifyTo: [] }).requestAccess(wanted)).rejects.toMatchObject({ code: 'not_allowed' })
    expect(own.network.sent).toEqual([])
    await expect(agentWithoutAuthServers(own).requestAccess(wanted)).rejects.toMatchObject({ code: 'not_allowed' })
    expect(calls(own, auth)).toEqual([])
  })

  test('tells a refusal, a missing endpoint and a mistake apart', async () => {
    const own = await world()
    own.denies = true
    await expect(agentIn(own).requestAccess(wanted)).rejects.toMatchObject({
      code: 'denied',
      cause: { status: 403, error: 'access_denied' },
    })
    await expect(agentIn(own).requestAccess({ ...wanted, resource: `${calendar}/` })).rejects.toBeInstanceOf(TypeError)
    own.network.intercept(calendar, async (exchange, next) => {
      const response = await next(exchange)
      if (exchange.target !== '/.well-known/aauth-resource') return response
      const { resource_token_endpoint: _, ...metadata } = (await response.json()) as Record<string, unknown>
      return Response.json(metadata)
    })
    await expect(agentIn(own).requestAccess(wanted)).rejects.toMatchObject({ code: 'unsupported' })
  })
})
