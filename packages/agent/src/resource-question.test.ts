import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, delegateIn } from './agents.test.fixture.js'
import { asking } from './asking.test.fixture.js'
import { AgentError } from './error.js'
import { explain } from './explanation.js'
import { pseudonym } from './identity/identity.js'
import type { Visit } from './interact/browser-interaction.js'
import { callbackRoute } from './interact/callback-route.js'
import { deviceCode } from './interact/device-code.js'
import { loopback } from './interact/loopback.js'
import { auth, calendar, world } from './participants.test.fixture.js'
import { memoryState } from './state/state.js'
import { callback, forEver, worldOfUsers } from './users.test.fixture.js'

const events = `${calendar}/events`
const interact = callbackRoute({ redirectUri: callback })

async function urlOf(call: Promise<unknown>): Promise<string> {
  const error = await call.catch((thrown: unknown) => thrown)
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  expect(error.code).toBe('interaction_required')
  return error.url
}

describe('a resource that asks its user', () => {
  test(
    verifies(
      'interaction.code',
      'agent.checks.user-interaction',
      'is answered by the next call, once, under the signature',
    ),
    async () => {
      const own = await world()
      const asks = asking(own)
      const agent = delegateIn(own, { interact })
      const url = new URL(await urlOf(agent.fetch(events)))
      expect(url.origin).toBe(calendar)
      expect([...url.searchParams.keys()]).toEqual(['return_url', 'state'])
      expect(url.searchParams.get('return_url')).toBe(callback)
      expect(url.searchParams.get('state')).toMatch(/^[\w-]{43}$/)
      const granted = await agent.handleCallback(asks.visit(url.href))
      expect(granted).toEqual({ resource: calendar, scope: '' })
      const [code] = asks.codes
      expect((await agent.fetch(events, { method: 'POST', body: 'x' })).status).toBe(200)
      expect(asks.carried).toEqual([undefined, `"${code}"`])
      asks.questions = 0
      expect((await agent.fetch(events)).status).toBe(200)
      expect(asks.carried.at(-1)).toBeUndefined()
    },
  )

  test('asks once for calls that follow each other soon', async () => {
    const own = await world()
    const asks = asking(own)
    const agent = delegateIn(own, { interact })
    const urls = [await urlOf(agent.fetch(events)), await urlOf(agent.fetch(events))]
    expect(urls[1]).toBe(urls[0])
    await agent.handleCallback(asks.visit(urls[0] ?? ''))
    expect((await agent.fetch(events)).status).toBe(200)
  })

  test('two waiting calls: one visit, whose code goes with one call; the other asks again', async () => {
    const own = await world()
    const asks = asking(own)
    const visits: Array<readonly [string, Visit]> = []
    const visit = (url: string, who: Visit): void => {
      visits.push([url, who])
    }
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    const view = agent.forUser('ada')
    const calls = [view.fetch(events), view.fetch(events)]
    await expect.poll(() => visits.length).toBe(1)
    expect(visits[0]?.[1]).toMatchObject({ user: 'ada', issuer: calendar, resource: calendar, scope: '' })
    await view.handleCallback(asks.visit(visits[0]?.[0] ?? ''))
    // What the user agreed to is remembered: without the code it is let in as well.
    asks.questions = 0
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200])
    expect(asks.carried.filter(code => code !== undefined)).toHaveLength(1)
    expect(visits).toHaveLength(1)
  })

  test(verifies('agent.interactions', 'may ask five times in one call, and not a sixth time'), async () => {
    const own = await world()
    const asks = asking(own, 5)
    const seen: string[] = []
    const visit = (url: string): void => {
      seen.push(url)
      void agent.handleCallback(asks.visit(url))
    }
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    expect((await agent.fetch(events)).status).toBe(200)
    expect(seen).toHaveLength(5)
    asks.questions = 6
    const response = await agent.fetch(events)
    expect([response.status, explain(response).outcome]).toEqual([401, 'gave_up'])
    expect(explain(response).reason).toBe('calendar.example has asked its user five times')
    expect(seen).toHaveLength(10)
  })

  test.each([
    ['a return_url', '?return_url=https%3A%2F%2Fevil.example'],
    ['a state', '?a=b&state=mine'],
    ['a return_url in other letters', '?%72eturn_url=x'],
    ['a fragment', '#state=x'],
  ])(verifies('INT-10', 'agent.checks.user-interaction', 'with %s in its URL gets no user'), async (_, suffix) => {
    const own = await world()
    const asks = asking(own)
    asks.suffix = suffix
    const agent = agentIn(own, { interact })
    await expect(agent.fetch(events)).rejects.toMatchObject({
      code: 'invalid_answer',
      cause: { member: 'user_interaction' },
    })
    asks.suffix = '?a=b'
    const url = await urlOf(agent.fetch(events))
    expect(url).toMatch(/\?a=b&return_url=https%3A%2F%2Fapp.example%2Fcallback&state=[\w-]{43}$/)
  })

  test('can ask through a listener on the user’s machine', async () => {
    const own = await world()
    const asks = asking(own)
    const pages: number[] = []
    const open = (url: string): void => {
      expect(new URL(url).searchParams.get('return_url')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}$/)
      void fetch(asks.visit(url)).then(({ status }) => pages.push(status))
    }
    const agent = agentIn(own, { sleep: forEver, interact: loopback({ open }) })
    expect((await agent.fetch(events)).status).toBe(200)
    await expect.poll(() => pages).toEqual([200])
  })

  test('the user says no: the call ends with the challenge, and says why', async () => {
    const own = await world()
    const asks = asking(own)
    const view = agentIn(own, { interact })
    const no = asks.visit(await urlOf(view.fetch(events)), 'access_denied')
    await expect(view.handleCallback(no)).rejects.toMatchObject({ code: 'denied', message: 'the user said no' })
    const waiting = agentIn(own, {
      sleep: forEver,
      interact: callbackRoute({
        redirectUri: callback,
        visit: url => void waiting.handleCallback(asks.visit(url, 'access_denied')).catch(() => undefined),
      }),
    })
    const response = await waiting.fetch(events)
    expect(explain(response).reason).toMatch(/^the user said no/)
  })

  test(
    verifies(
      'F-58',
      'interaction.code',
      'a code that is unknown by now is left out, and a safe call goes on as if it had none',
    ),
    async () => {
      const own = await world()
      const asks = asking(own)
      const agent = agentIn(own, { interact })
      await agent.handleCallback(asks.visit(await urlOf(agent.fetch(events))))
      // The resource was started anew, and an auth server remembers what the user said.
      asks.codes.clear()
      asks.questions = 0
      asks.carried.length = 0
      expect((await agent.fetch(events)).status).toBe(200)
      expect(asks.carried.map(code => code !== undefined)).toEqual([true, false])
    },
  )

  test(
    verifies('F-58', 'interaction.code', 'an unsafe call with such a code ends, and the next one goes on without'),
    async () => {
      const own = await world()
      const asks = asking(own)
      const agent = agentIn(own, { interact })
      await agent.handleCallback(asks.visit(await urlOf(agent.fetch(events))))
      asks.codes.clear()
      asks.questions = 0
      asks.carried.length = 0
      // A handler that issues tokens answers so, too, and may have acted.
      const post = () => agent.fetch(events, { method: 'POST', body: 'x' })
      expect([(await post()).status, (await post()).status]).toEqual([400, 200])
      expect(asks.carried.map(code => code !== undefined)).toEqual([true, false])
    },
  )

  test('a 400 from behind the guard is returned for an unsafe call, with or without a code', async () => {
    const own = await world()
    const asks = asking(own)
    const agent = agentIn(own, { interact })
    await agent.handleCallback(asks.visit(await urlOf(agent.fetch(events))))
    own.network.intercept(calendar, async (exchange, next) =>
      exchange.target === '/events'
        ? Response.json({ error: 'invalid_grant' }, { status: 400, headers: { 'cache-control': 'no-store' } })
        : next(exchange),
    )
    own.network.sent.length = 0
    expect((await agent.fetch(events, { method: 'POST', body: 'x' })).status).toBe(400)
    expect(own.network.sent).toHaveLength(1)
  })

  test('a token that ended while the user thought is refreshed, and the code not lost', async () => {
    const own = await world()
    const asks = asking(own)
    const agent = agentIn(own, { interact })
    const url = await urlOf(agent.fetch(events))
    own.clock.time += 500
    const back = asks.visit(url)
    await agent.handleCallback(back)
    own.clock.time += 400
    expect((await agent.fetch(events)).status).toBe(200)
    expect(asks.carried.at(-1)).toBeDefined()
  })

  test('also within one call, and the user is not asked again', async () => {
    const { own, users, decide } = await worldOfUsers()
    const asks = asking(own)
    const visited: string[] = []
    const visit = (url: string): void => {
      const { origin } = new URL(url)
      visited.push(origin)
      // A token lives for 600.
      if (origin === calendar) own.clock.time += 630
      void view.handleCallback(origin === calendar ? asks.visit(url) : decide(url, { user: 'ada' }))
    }
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    const view = agent.forUser('ada')
    expect((await view.fetch(events, { method: 'POST', body: 'x' })).status).toBe(200)
    expect(visited).toEqual([auth, calendar])
    expect(users.forms.map(form => form['request_type'])).toEqual(['auth', 'code', 'refresh'])
    expect(asks.carried.at(-1)).toBeDefined()
  })

  test('nor is it lost when a token ends on its way', async () => {
    const { own, users, decide } = await worldOfUsers()
    const visited: string[] = []
    const visit = async (url: string): Promise<void> => {
      visited.push(url)
      await view.handleCallback(decide(url, { user: 'ada' }))
      own.clock.time += 700
    }
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    const view = agent.forUser('ada')
    expect((await view.fetch(events)).status).toBe(200)
    expect(visited).toHaveLength(1)
    expect(users.forms.map(form => form['request_type'])).toEqual(['auth', 'code', 'refresh'])
  })
})

describe('nothing of one user works for another', () => {
  test(verifies('interaction.bound', 'a callback, a code and a state are of the session that began it'), async () => {
    const own = await world()
    const asks = asking(own)
    const agent = agentIn(own, { interact })
    const [ada, bob] = [agent.forUser('ada'), agent.forUser('bob')]
    const back = asks.visit(await urlOf(ada.fetch(events)))
    const theirs = await urlOf(bob.fetch(events))
    expect(theirs).not.toBe(back.href)
    for (const other of [bob, agent, agent.forUser('eve')])
      await expect(other.handleCallback(back)).rejects.toMatchObject({ code: 'invalid_callback' })
    const crossed = new URL(back)
    crossed.searchParams.set('state', new URL(theirs).searchParams.get('state') ?? '')
    await ada.handleCallback(back)
    await expect(ada.handleCallback(back)).rejects.toMatchObject({ code: 'invalid_callback' })
    await urlOf(bob.fetch(events))
    expect(asks.carried.filter(code => code !== undefined)).toEqual([])
    expect((await ada.fetch(events)).status).toBe(200)
    expect(asks.carried.filter(code => code !== undefined)).toHaveLength(1)
  })

  test('an agent and a delegate that share a state share no code', async () => {
    const own = await world()
    const asks = asking(own)
    const state = memoryState()
    const [one, other] = [agentIn(own, { state, interact }), delegateIn(own, { state, interact })]
    await one.handleCallback(asks.visit(await urlOf(one.fetch(events))))
    await urlOf(other.fetch(events))
    expect(asks.carried.filter(code => code !== undefined)).toEqual([])
    expect((await one.fetch(events)).status).toBe(200)
  })

  test('another process than the one of the callback finds the code when the resource asks', async () => {
    const own = await world()
    const asks = asking(own)
    const state = memoryState()
    const [one, other] = [agentIn(own, { state, interact }), agentIn(own, { state, interact })]
    await one.handleCallback(asks.visit(await urlOf(one.fetch(events))))
    expect((await other.fetch(events)).status).toBe(200)
    expect(asks.carried.filter(code => code !== undefined)).toHaveLength(1)
  })

  test.each(['a"b', 'a b', 'a\\', 'é', 'a'.repeat(513), ''])('a malformed code is not stored: %s', async code => {
    const own = await world()
    const asks = asking(own)
    const agent = agentIn(own, { interact })
    const back = asks.visit(await urlOf(agent.fetch(events)))
    back.searchParams.set('interaction', code)
    await expect(agent.handleCallback(back)).rejects.toMatchObject({
      code: 'invalid_callback',
      cause: { member: 'interaction' },
    })
  })
})

describe('agents that cannot send a user', () => {
  test.each([
    ['no interact', {}],
    ['a device code', { interact: deviceCode({ show: () => undefined }) }],
  ])(verifies('interaction.no-browser', '%s: the error says where'), async (_, options) => {
    const own = await world()
    asking(own)
    const url = await urlOf(agentIn(own, options).fetch(events))
    expect(url).toMatch(/^https:\/\/calendar\.example\/interact\/[\w-]+$/)
  })

  test('a pseudonym cannot come back with a code', async () => {
    const own = await world()
    own.network.intercept(calendar, () =>
      Response.json(
        {},
        { status: 401, headers: { 'agent-auth': `httpsig; user_interaction="${calendar}/interact/1"` } },
      ),
    )
    const agent = agentIn(own, { identity: pseudonym(), interact })
    expect(await urlOf(agent.fetch(events))).toBe(`${calendar}/interact/1`)
  })

  test('only the agent sets the header', async () => {
    const own = await world()
    await expect(agentIn(own).fetch(events, { headers: { 'Agent-Interaction': '"x"' } })).rejects.toThrow(TypeError)
  })
})
