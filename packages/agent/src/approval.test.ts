import { inspect } from 'node:util'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import type { Agent, AgentOptions } from './agent.js'
import { calls, delegateIn } from './agents.test.fixture.js'
import { type Approving, approving } from './approving.test.fixture.js'
import { explain } from './explanation.js'
import type { Visit } from './interact/browser-interaction.js'
import { callbackRoute } from './interact/callback-route.js'
import { deviceCode } from './interact/device-code.js'
import { type InboxQuestion, inbox } from './interact/inbox.js'
import { auth, calendar, type World } from './participants.test.fixture.js'
import { memoryState } from './state/state.js'
import { callback, forEver, formsOf, type Users, worldOfUsers } from './users.test.fixture.js'

const notes = `${calendar}/notes?list=7`
const milk = { method: 'POST', body: 'milk', headers: { 'content-type': 'text/plain' } }

interface Stage {
  readonly own: World
  readonly users: Users
  readonly asks: Approving
  readonly agent: Agent
  readonly visits: Visit[]
}

/** An agent whose user says yes to what they are asked, with a grant for the scope. */
async function stage(options: Partial<AgentOptions> = {}): Promise<Stage> {
  const { own, users, decide } = await worldOfUsers()
  const asks = approving(own)
  const visits: Visit[] = []
  const agent: Agent = delegateIn(own, {
    interact: callbackRoute({
      redirectUri: callback,
      visit: async (url, visit) => {
        visits.push(visit)
        await agent.handleCallback(decide(url, { user: 'ada' }))
      },
    }),
    sleep: forEver,
    ...options,
  })
  await agent.requestAccess({ resource: calendar, scope: 'events.write' })
  users.forms.length = 0
  visits.length = 0
  own.network.sent.length = 0
  return { own, users, asks, agent, visits }
}

const noted = (own: World): readonly string[] => calls(own, calendar).filter(call => call.includes('/notes'))

describe('a request that a user must approve', () => {
  test(
    verifies('APR-01', 'approval.token', 'is sent again, byte for byte, once the user has approved it'),
    async () => {
      const { own, users, asks, agent, visits } = await stage()
      const response = await agent.fetch(notes, milk)
      expect([response.status, asks.ran]).toEqual([200, ['milk']])
      const sent = own.network.sent.filter(({ target }) => target.startsWith('/notes'))
      expect(sent.map(({ method, target, text }) => [method, target, text])).toEqual([
        ['POST', '/notes?list=7', 'milk'],
        ['POST', '/notes?list=7', 'milk'],
      ])
      expect(sent[0]?.header('content-digest')).toBe(sent[1]?.header('content-digest'))
      expect(users.forms.map(form => form['request_type'])).toEqual(['auth', 'code'])
      expect(visits).toMatchObject([
        { scope: 'events.write', operation: { name: 'note', display: ['Note ', 'milk', ' for Ada'] } },
      ])
      expect(explain(response)).toMatchObject({ outcome: 'answered', level: 'authorized' })
      expect(explain(response).steps.map(({ detail }) => detail)).toContain(
        'a user has approved note at calendar.example',
      )
    },
  )

  test('its approval serves no other request, and is never refreshed', async () => {
    const { own, users, asks, agent } = await stage()
    await agent.fetch(notes, milk)
    users.forms.length = 0
    await agent.fetch(`${calendar}/events`)
    expect(own.network.sent.at(-1)?.header('signature-key')).not.toContain(String(asks.used[0]))
    const second = await agent.fetch(notes, milk)
    expect([second.status, asks.ran]).toEqual([200, ['milk', 'milk']])
    expect(new Set(asks.used).size).toBe(2)
    expect(formsOf(users, 'refresh')).toEqual([])
  })

  test('without a route of its own the app gets the url, and the same call passes after the callback', async () => {
    const { own, users, decide } = await worldOfUsers()
    const asks = approving(own)
    const state = memoryState()
    const interact = callbackRoute({ redirectUri: callback })
    const agent = delegateIn(own, { interact, state })
    const urlOf = async (init: RequestInit): Promise<string> =>
      agent.fetch(notes, init).then(
        () => expect.fail('it passed'),
        (error: { url?: string }) => error.url ?? expect.fail('no url'),
      )
    await agent.handleCallback(decide(await urlOf(milk), { user: 'ada' }))
    const question = await urlOf(milk)
    expect(await urlOf(milk)).toBe(question)
    const other = await urlOf({ ...milk, body: 'bread' })
    expect(other).not.toBe(question)
    await agent.handleCallback(decide(question, { user: 'ada' }))
    // Another process goes on with it, and each yes is for one request.
    const again = delegateIn(own, { interact, state })
    expect((await again.fetch(notes, milk)).status).toBe(200)
    expect(asks.ran).toEqual(['milk'])
    await agent.handleCallback(decide(other, { user: 'ada' }))
    expect((await agent.fetch(notes, { ...milk, body: 'bread' })).status).toBe(200)
    expect(asks.ran).toEqual(['milk', 'bread'])
    await expect(agent.fetch(notes, milk)).rejects.toMatchObject({ code: 'interaction_required' })
    expect(formsOf(users, 'auth').length).toBeGreaterThan(2)
  })

  test('a device shows what is asked beside its code', async () => {
    const shown: unknown[] = []
    const { asks, agent } = await stage({
      interact: deviceCode({ show: code => void shown.push(code) }),
      sleep: async () => undefined,
    })
    expect((await agent.fetch(notes, milk)).status).toBe(200)
    expect([asks.ran, shown.at(-1)]).toMatchObject([['milk'], { operation: { name: 'note' } }])
  })
})

describe('an approval that is not followed', () => {
  test.each<readonly [string, (operation: Record<string, unknown>) => Record<string, unknown>]>([
    ['the digest of another request', o => ({ ...o, digest: 'A'.repeat(43) })],
    ['a display that does not belong to the digest', o => ({ ...o, display: ['Note ', 'bread', ' for Ada'] })],
    ['no display where the digest has one', ({ display: _, ...o }) => o],
  ])(verifies('APR-20', 'approval.digest', '%s: nothing is sent to the auth server'), async (_, tamper) => {
    const { own, asks, agent, visits } = await stage()
    asks.tamper = tamper
    const response = await agent.fetch(notes, milk)
    expect(response.status).toBe(401)
    expect(explain(response)).toMatchObject({
      outcome: 'gave_up',
      reason: expect.stringMatching(/^a user would be asked to approve another request than this one \(operation\)/),
    })
    expect([calls(own, auth), visits, asks.ran]).toEqual([[], [], []])
    asks.tamper = operation => operation
    expect((await agent.fetch(notes, milk)).status).toBe(200)
  })

  test(
    verifies('APR-08', 'approval.challenge', 'an auth server that knows none: the agent gives up, and says so'),
    async () => {
      const { own, users, asks, agent } = await stage()
      users.approves = false
      const response = await agent.fetch(notes, milk)
      expect([response.status, asks.ran]).toEqual([401, []])
      expect(explain(response)).toMatchObject({
        outcome: 'gave_up',
        reason: expect.stringMatching(/^the auth server issues no approvals of single requests/),
      })
      expect(noted(own)).toHaveLength(1)
    },
  )

  test(
    verifies('APR-08', 'agent.rounds', 'a resource that is never satisfied gets two approvals, and no third'),
    async () => {
      const { own, asks, agent, visits } = await stage()
      let shown = 0
      own.network.intercept(calendar, (exchange, next) => {
        asks.display = ['Note ', `milk ${++shown}`]
        return next(exchange)
      })
      const response = await agent.fetch(notes, milk)
      expect([response.status, asks.ran, visits.length]).toEqual([401, [], 2])
      expect(explain(response)).toMatchObject({
        outcome: 'gave_up',
        reason: 'calendar.example was not satisfied after two approvals of note',
      })
    },
  )

  test('an agent that can ask nobody returns the challenge', async () => {
    const { own, users, decide } = await worldOfUsers()
    const asks = approving(own)
    const state = memoryState()
    const first = delegateIn(own, { state, interact: callbackRoute({ redirectUri: callback }) })
    const thrown = await first.fetch(notes, milk).catch((error: { url: string }) => error.url)
    await first.handleCallback(decide(String(thrown), { user: 'ada' }))
    users.forms.length = 0
    const response = await delegateIn(own, { state }).fetch(notes, milk)
    expect([response.status, explain(response).outcome, asks.ran]).toEqual([401, 'gave_up', []])
    expect(users.forms).toEqual([])
  })
})

describe('the outcome of an approved request', () => {
  test(
    verifies(
      'APR-03',
      'APR-05',
      'approval.once',
      'replay_detected is unknown: nobody is asked again, nothing is sent again',
    ),
    async () => {
      const { own, asks, agent, visits } = await stage()
      asks.instead = () => Response.json({ error: 'replay_detected', reason: 'approval_used' }, { status: 401 })
      const response = await agent.fetch(notes, milk)
      expect([response.status, explain(response).outcome]).toEqual([401, 'unknown'])
      expect([visits.length, noted(own).length]).toEqual([1, 2])
    },
  )

  test.each(['POST', 'GET'])(
    verifies('APR-29', 'approval.once', 'an answer that is lost is unknown, also of a %s: one question, one request'),
    async method => {
      const { own, asks, agent, visits } = await stage()
      asks.instead = () => {
        asks.ran.push('once')
        throw new TypeError('fetch failed')
      }
      const { body: _, ...bare } = milk
      const call = agent.fetch(notes, method === 'GET' ? { ...bare, method } : milk)
      await expect(call).rejects.toMatchObject({
        code: 'network',
        message: expect.stringMatching(/it may have acted on the request$/),
      })
      expect([asks.ran, visits.length, noted(own).length]).toEqual([['once'], 1, 2])
    },
  )

  test(
    verifies('NON-23', 'sig.replay.not-processed', 'a 503 that did nothing is sent anew under the same token'),
    async () => {
      const { own, asks, agent, visits } = await stage({
        sleep: (seconds, signal) => (seconds > 5 ? forEver(seconds, signal) : Promise.resolve()),
      })
      let away = 1
      asks.instead = () =>
        away-- > 0
          ? Response.json(
              { error: 'temporarily_unavailable' },
              { status: 503, headers: { 'agent-auth': 'httpsig', 'retry-after': '1' } },
            )
          : undefined
      expect((await agent.fetch(notes, milk)).status).toBe(200)
      const [, refused, passed] = own.network.sent.filter(({ target }) => target.startsWith('/notes'))
      expect(passed?.header('signature-key')).toBe(refused?.header('signature-key'))
      expect(passed?.header('signature')).not.toBe(refused?.header('signature'))
      expect([visits.length, asks.ran]).toEqual([1, ['milk']])
    },
  )
})

describe('the inbox', () => {
  const quiet = (own: { slept: number[] }): Partial<AgentOptions> => ({
    sleep: async seconds => void own.slept.push(seconds),
  })

  async function withInbox(): Promise<
    Stage & { readonly slept: number[]; readonly asked: string[]; readonly waits: InboxQuestion[] }
  > {
    const slept: number[] = []
    const asked: string[] = []
    const otherwise = deviceCode({ show: ({ user_code }) => void asked.push(user_code) })
    const waits: InboxQuestion[] = []
    const show = (question: InboxQuestion): void => void waits.push(question)
    const made = await stage({ interact: inbox({ otherwise, show }), ...quiet({ slept }) })
    slept.length = 0
    asked.length = 0
    return { ...made, slept, asked, waits }
  }

  test(verifies('approval.inbox', 'the call waits, at the pace of the auth server, for the answer there'), async () => {
    const { users, asks, agent, slept, asked, waits } = await withInbox()
    users.inbox = true
    users.polls.push('authorization_pending', 'slow_down')
    expect((await agent.fetch(notes, milk)).status).toBe(200)
    expect([asks.ran, slept, asked]).toEqual([['milk'], [5, 5, 10], []])
    expect(waits).toEqual([
      {
        issuer: auth,
        resource: calendar,
        scope: 'events.write',
        expires_in: 600,
        operation: { name: 'note', display: ['Note ', 'milk', ' for Ada'] },
      },
    ])
    expect(users.forms.map(form => [form['request_type'], form['answer']])).toEqual([
      ['auth', 'inbox'],
      ['poll', undefined],
      ['poll', undefined],
      ['poll', undefined],
    ])
  })

  test(verifies('approval.inbox', 'a user without one is asked as usual'), async () => {
    const { users, asks, agent, asked } = await withInbox()
    expect((await agent.fetch(notes, milk)).status).toBe(200)
    expect([asks.ran, asked]).toEqual([['milk'], ['BCDF-GHJK']])
    expect(users.forms.map(form => form['request_type'])).toEqual(['auth', 'device_auth', 'device_code'])
  })

  test.each([
    ['access_denied', /^the user said no/],
    ['expired_token', /^the user did not answer in time/],
  ] as const)('%s ends it, and nobody else is asked', async (error, reason) => {
    const { users, asks, agent, asked } = await withInbox()
    users.inbox = true
    users.polls.push(error)
    const response = await agent.fetch(notes, milk)
    expect([response.status, explain(response).outcome, asks.ran, asked]).toEqual([401, 'gave_up', [], []])
    expect(explain(response).reason).toMatch(reason)
  })
})

test(verifies('approval.display', 'no event, step or error of the agent shows what the request holds'), async () => {
  const seen: unknown[] = []
  const { asks, agent } = await stage({ onEvent: event => void seen.push(event) })
  const response = await agent.fetch(notes, milk)
  asks.tamper = operation => ({ ...operation, digest: 'A'.repeat(43) })
  const refused = await agent.fetch(notes, milk)
  const all = inspect([seen, explain(response), explain(refused)], { depth: 9 })
  expect(all).toContain('note')
  expect(all).not.toContain('milk')
})

describe('purposes', () => {
  test(
    verifies('policy.purposes', 'are sent with every token request, and a grant for one serves no other'),
    async () => {
      const { own, users, decide } = await worldOfUsers()
      const agent: Agent = delegateIn(own, {
        purposes: ['support'],
        sleep: forEver,
        interact: callbackRoute({
          redirectUri: callback,
          visit: async url => void (await agent.handleCallback(decide(url, { user: 'ada' }))),
        }),
      })
      const events = `${calendar}/events`
      expect((await agent.fetch(events)).status).toBe(200)
      expect((await agent.fetch(events, { purposes: ['support'] })).status).toBe(200)
      expect(formsOf(users, 'auth').map(form => form['purposes'])).toEqual(['support'])
      expect((await agent.fetch(events, { purposes: ['marketing', 'billing'] })).status).toBe(200)
      expect((await agent.fetch(events, { purposes: ['billing', 'marketing'] })).status).toBe(200)
      expect(formsOf(users, 'auth').map(form => form['purposes'])).toEqual(['support', 'billing marketing'])
      await agent.requestAccess({ resource: calendar, scope: 'events.read', purposes: ['support'] })
      expect(formsOf(users, 'auth')).toHaveLength(2)
      own.clock.time += 700
      expect((await agent.fetch(events)).status).toBe(200)
      expect(formsOf(users, 'auth')).toHaveLength(2)
      await expect(agent.fetch(events, { purposes: ['no name'] })).rejects.toThrow(TypeError)
    },
  )

  test('a token for other purposes than were asked for is refused', async () => {
    const { own, decide } = await worldOfUsers()
    const agent: Agent = delegateIn(own, {
      purposes: ['support'],
      sleep: forEver,
      interact: callbackRoute({
        redirectUri: callback,
        visit: async url => void (await agent.handleCallback(decide(url, { user: 'ada' })).catch(() => undefined)),
      }),
    })
    own.tamper.set('auth+jwt', claims => ({ ...claims, purposes: 'support marketing' }))
    await expect(agent.fetch(`${calendar}/events`)).rejects.toMatchObject({
      code: 'invalid_answer',
      cause: { member: 'purposes' },
    })
    own.tamper.clear()
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
  })
})
