import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, agentWithoutAuthServers, calls, delegateIn } from '../agents.test.fixture.js'
import { AgentError } from '../error.js'
import { callbackRoute } from '../interact/callback-route.js'
import { auth, calendar, home } from '../participants.test.fixture.js'
import { callback, formsOf, worldOfUsers } from '../users.test.fixture.js'
import type { View } from '../view.js'
import type { SignIn } from './sign-in.js'

const interact = callbackRoute({ redirectUri: callback })
const request: SignIn = { authServer: auth, scope: 'openid email' }

async function urlOf(view: Pick<View, 'signIn'>, wanted = request): Promise<string> {
  const error = await view.signIn(wanted).catch((thrown: unknown) => thrown)
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  return error.url
}

const ada = { iss: auth, sub: 'ada', claims: { email: 'ada@example.com' } }

describe('the agent is the resource', () => {
  test.each([
    ['an agent server', agentIn],
    ['a delegate', delegateIn],
  ] as const)('%s learns who its user is', async (_, make) => {
    const { own, users, decide } = await worldOfUsers()
    const view = make(own, { interact }).forUser('s1')
    const url = await urlOf(view, { ...request, loginHint: 'ada@example.com' })
    expect(formsOf(users, 'auth')[0]).toMatchObject({ scope: 'openid email', login_hint: 'ada@example.com' })
    expect(formsOf(users, 'auth')[0]).not.toHaveProperty('resource_token')
    const granted = await view.handleCallback(decide(url, { user: 'ada' }))
    expect(granted).toEqual({ issuer: auth, resource: home, scope: 'email openid', user: ada })
    expect(await view.signIn(request)).toEqual(ada)
    expect(await view.signIn({ authServer: auth })).toEqual(ada)
    expect(users.forms).toHaveLength(2)
    own.clock.time += 700
    expect(await view.signIn(request)).toEqual(ada)
    expect(users.forms.at(-1)).toEqual({ request_type: 'refresh', refresh_token: 'refresh-0' })
    // Nothing was said to anyone but the auth server.
    expect(calls(own, calendar)).toEqual([])
  })

  test(verifies('agent.tokens.per-user', 'another session has another user, or none'), async () => {
    const { own, decide } = await worldOfUsers()
    const agent = agentIn(own, { interact })
    const [one, two] = [agent.forUser('s1'), agent.forUser('s2')]
    await one.handleCallback(decide(await urlOf(one), { user: 'ada' }))
    await two.handleCallback(decide(await urlOf(two), { user: 'bob' }))
    expect([(await one.signIn(request)).sub, (await two.signIn(request)).sub]).toEqual(['ada', 'bob'])
    await expect(agent.signIn(request)).rejects.toMatchObject({ code: 'interaction_required' })
  })

  test('a user who refuses is a denial', async () => {
    const { own, decide } = await worldOfUsers()
    const view = agentIn(own, { interact }).forUser('s1')
    const back = decide(await urlOf(view), { error: 'access_denied' })
    await expect(view.handleCallback(back)).rejects.toMatchObject({ code: 'denied' })
  })

  test('follows the agent’s own policy, and reports mistakes as TypeErrors', async () => {
    const { own } = await worldOfUsers()
    await expect(agentWithoutAuthServers(own).signIn(request)).rejects.toMatchObject({ code: 'not_allowed' })
    const agent = agentIn(own, { interact })
    await expect(agent.signIn({ authServer: 'https://evil.example' })).rejects.toMatchObject({ code: 'not_allowed' })
    await expect(agent.signIn({ authServer: `${auth}/` })).rejects.toBeInstanceOf(TypeError)
    await expect(agent.signIn({ authServer: auth, scope: 'email' })).rejects.toBeInstanceOf(TypeError)
    expect(own.network.sent).toEqual([])
  })

  test.each<readonly [string, string, (claims: Record<string, unknown>) => Record<string, unknown>]>([
    ['another aud', 'invalid_auth_token', claims => ({ ...claims, aud: 'https://other.example', agent: home })],
    ['another agent', 'agent', claims => ({ ...claims, agent: 'https://other.example' })],
    ['a scope that was not asked for', 'scope', claims => ({ ...claims, scope: 'admin' })],
    ['a delegate where there is none', 'agent_delegate', claims => ({ ...claims, agent_delegate: 'd1' })],
  ])(
    verifies('CLI-11', 'agent.checks.token-answer', 'a token about the user is refused: %s'),
    async (_, member, tamper) => {
      const { own, decide } = await worldOfUsers()
      const view = agentIn(own, { interact }).forUser('s1')
      const back = decide(await urlOf(view), { user: 'ada' })
      own.tamper.set('auth+jwt', tamper)
      await expect(view.handleCallback(back)).rejects.toMatchObject({ code: 'invalid_answer', cause: { member } })
      await expect(view.signIn(request)).rejects.toMatchObject({ code: 'interaction_required' })
    },
  )

  test(verifies('agent.checks.token-answer', 'scopes of its own beside, and no user: refused'), async () => {
    const { own, decide } = await worldOfUsers()
    const view = agentIn(own, { interact }).forUser('s1')
    const wanted = { authServer: auth, scope: 'openid app.read' }
    const granted = await view.handleCallback(decide(await urlOf(view, wanted), { user: 'ada' }))
    expect(granted).toMatchObject({ scope: 'app.read openid', user: { sub: 'ada' } })
    const other = agentIn(own, { interact }).forUser('s2')
    const back = decide(await urlOf(other, wanted), { user: 'ada' })
    own.tamper.set('auth+jwt', ({ sub: _, ...claims }) => claims)
    await expect(other.handleCallback(back)).rejects.toMatchObject({ code: 'invalid_answer', cause: { member: 'sub' } })
  })
})
