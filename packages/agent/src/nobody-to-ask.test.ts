import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn } from './agents.test.fixture.js'
import { explain } from './explanation.js'
import { calendar, type World, world } from './participants.test.fixture.js'
import { callback, worldOfUsers } from './users.test.fixture.js'

const events = `${calendar}/events`

describe('an agent without a way to ask a user', () => {
  test('returns the challenge and says what is missing', async () => {
    const { own } = await worldOfUsers()
    const response = await agentIn(own).fetch(events)
    expect(response.headers.get('agent-auth')).toContain('auth-token')
    expect(explain(response).reason).toMatch(/^the auth server wants to ask a user, and this agent has no `interact`/)
    await expect(agentIn(own).requestAccess({ resource: calendar, scope: 'events.read' })).rejects.toMatchObject({
      code: 'interaction_required',
      url: undefined,
    })
    await expect(agentIn(own).handleCallback(`${callback}?state=x`)).rejects.toMatchObject({ code: 'unsupported' })
  })

  test(
    verifies(
      'interaction.no-browser',
      'agent.checks.user-interaction',
      'a resource wants its user: the error says where',
    ),
    async () => {
      const own = await world()
      asksUser(own, `${calendar}/interact/1?x=2`)
      await expect(agentIn(own).fetch(events)).rejects.toMatchObject({
        code: 'interaction_required',
        url: `${calendar}/interact/1?x=2`,
        cause: { resource: calendar },
      })
    },
  )

  test.each([
    'https://evil.example/interact',
    `http://calendar.example/interact`,
    'javascript:alert(1)',
    'file:///etc/passwd',
  ])(
    verifies('CLI-07', 'agent.checks.user-interaction', 'agent.checks.user-url', 'a resource cannot send a user to %s'),
    async url => {
      const own = await world()
      asksUser(own, url)
      const response = await agentIn(own).fetch(events)
      expect(response.status).toBe(401)
      expect(explain(response).outcome).toBe('gave_up')
    },
  )
})

/** The calendar answers that its user must be asked somewhere. */
function asksUser(own: World, url: string): void {
  own.network.intercept(calendar, exchange =>
    exchange.target === '/events'
      ? Response.json(
          { error: 'interaction_required' },
          { status: 401, headers: { 'agent-auth': `httpsig; user_interaction="${url}"` } },
        )
      : Response.json({}),
  )
}
