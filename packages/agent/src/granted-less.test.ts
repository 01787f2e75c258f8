import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn } from './agents.test.fixture.js'
import { explain } from './explanation.js'
import type { SignIn } from './fetch/sign-in.js'
import { callbackRoute } from './interact/callback-route.js'
import { auth, calendar, home } from './participants.test.fixture.js'
import { callback, forEver, formsOf, worldOfUsers } from './users.test.fixture.js'

/** An agent whose user sees every page at once and says yes to what `users.allowed` holds. */
async function scripted() {
  const { own, users, decide } = await worldOfUsers()
  const pages: string[] = []
  const interact = callbackRoute({
    redirectUri: callback,
    visit: async (url, { scope }) => {
      pages.push(scope)
      await agent.handleCallback(decide(url, { user: 'ada' }))
    },
  })
  const agent = agentIn(own, { interact, sleep: forEver })
  return { own, users, agent, pages }
}

describe('a user who grants less than the resource needs', () => {
  test(
    verifies('agent.rounds', 'is not asked again by the same call, whose reason names the missing scope'),
    async () => {
      const { users, agent, pages } = await scripted()
      expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
      users.allowed = 'events.read'
      const both = 'events.read events.write'
      const response = await agent.fetch(`${calendar}/notes`)
      expect(pages).toEqual(['events.read', both])
      expect(response.status).toBe(403)
      expect(await response.json()).toMatchObject({ error: 'insufficient_scope' })
      expect(explain(response)).toMatchObject({
        outcome: 'refused',
        reason: 'calendar.example needs events.write, which was not granted',
      })
      // The next call is another one, for which they may have changed their mind.
      delete users.allowed
      expect((await agent.fetch(`${calendar}/notes`)).status).toBe(200)
      expect(pages).toEqual(['events.read', both, both])
    },
  )
})

describe('a user who does not share their e-mail address', () => {
  const request: SignIn = { authServer: auth, scope: 'openid email' }

  test(verifies('token.auth.identity-scopes', 'is signed in, told so, and not asked again'), async () => {
    const { own, users, decide } = await worldOfUsers()
    const view = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) }).forUser('s1')
    const begin = async (): Promise<string> =>
      view.signIn(request).then(
        () => '',
        error => error.url,
      )
    users.allowed = 'openid'
    const granted = await view.handleCallback(decide(await begin(), { user: 'ada' }))
    expect(granted).toEqual({
      issuer: auth,
      resource: home,
      scope: 'openid',
      user: { iss: auth, sub: 'ada', claims: {} },
    })
    expect(await view.signIn(request)).toMatchObject({ sub: 'ada', claims: {} })
    // It has no claims now, nor after a refresh; they come once the grant has more scope.
    own.clock.time += 700
    expect(await view.signIn(request)).toMatchObject({ sub: 'ada', claims: {} })
    for (const [token, grant] of users.grants) users.grants.set(token, { ...grant, scope: 'openid email' })
    own.clock.time += 700
    expect(await view.signIn(request)).toMatchObject({ claims: { email: 'ada@example.com' } })
    expect(formsOf(users, 'auth')).toHaveLength(1)
    // What was never asked for is.
    expect(await view.signIn({ authServer: auth, scope: 'openid profile' }).catch(error => error.code)).toBe(
      'interaction_required',
    )
  })
})
