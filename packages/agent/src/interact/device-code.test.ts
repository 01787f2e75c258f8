import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import type { Agent } from '../agent.js'
import { delegateIn } from '../agents.test.fixture.js'
import { asking } from '../asking.test.fixture.js'
import { explain } from '../explanation.js'
import { auth, calendar, type World, world } from '../participants.test.fixture.js'
import { callback, forEver, formsOf, type Users, worldOfUsers } from '../users.test.fixture.js'
import { callbackRoute } from './callback-route.js'
import { type DeviceCode, deviceCode } from './device-code.js'

const events = `${calendar}/events`

interface Device {
  readonly own: World
  readonly users: Users
  readonly agent: Agent
  readonly shown: DeviceCode[]
  readonly slept: number[]
}

async function device(): Promise<Device> {
  const { own, users } = await worldOfUsers()
  const [shown, slept]: [DeviceCode[], number[]] = [[], []]
  const interact = deviceCode({ show: code => void shown.push(code) })
  const agent = delegateIn(own, { interact, sleep: async seconds => void slept.push(seconds) })
  return { own, users, agent, shown, slept }
}

/** The auth server refuses a request type. */
function refuses(own: World, requestType: string, error: AAuthError): void {
  own.network.intercept(auth, (exchange, next) =>
    exchange.text.includes(`request_type=${requestType}`)
      ? Response.json({ error: error.code }, { status: error.status })
      : next(exchange),
  )
}

describe('an agent without a browser', () => {
  test('shows the URL and the code, polls at the given pace, and goes on', async () => {
    const { users, agent, shown, slept } = await device()
    users.polls.push('authorization_pending', 'slow_down', 'authorization_pending')
    expect((await agent.forUser('ada').fetch(events)).status).toBe(200)
    expect(shown).toEqual([
      {
        verification_uri: `${auth}/device`,
        user_code: 'BCDF-GHJK',
        expires_in: 600,
        user: 'ada',
        issuer: auth,
        resource: calendar,
        scope: 'events.read',
      },
    ])
    expect(slept).toEqual([5, 5, 10, 10])
    expect(formsOf(users, 'device_auth').map(Object.keys)).toEqual([['request_type', 'resource_token']])
    expect(formsOf(users, 'device_code')).toHaveLength(4)
    expect((await agent.forUser('ada').fetch(events)).status).toBe(200)
    expect(shown).toHaveLength(1)
  })

  test('other calls meanwhile wait for the same code', async () => {
    const { users, agent, shown } = await device()
    const all = await Promise.all([agent.fetch(events), agent.fetch(events)])
    expect(all.map(response => response.status)).toEqual([200, 200])
    expect([shown.length, formsOf(users, 'device_auth').length]).toEqual([1, 1])
  })

  test.each([
    ['access_denied', /^the user said no \(access_denied\)/],
    ['expired_token', /^the user did not type in the code in time/],
    ['invalid_grant', /^the auth server said no \(400 invalid_grant [a-z_]+\)/],
  ] as const)('%s ends it', async (error, reason) => {
    const { users, agent } = await device()
    users.polls.push('authorization_pending', error)
    const response = await agent.fetch(events)
    expect(response.status).toBe(401)
    expect(explain(response).reason).toMatch(reason)
    expect(formsOf(users, 'device_code')).toHaveLength(2)
    expect((await agent.fetch(events)).status).toBe(200)
  })

  test('an auth server that never decides is polled until the code expires, even when the clock is set back', async () => {
    const { users, agent, slept } = await device()
    users.polls.push(...Array.from({ length: 200 }, () => 'authorization_pending' as const))
    const response = await agent.fetch(events)
    expect(explain(response).reason).toMatch(/^the user did not type in the code in time/)
    expect([slept.length, formsOf(users, 'device_code').length]).toEqual([120, 120])
  })

  test('an auth server that is down is polled with growing pauses', async () => {
    const { own, agent, slept } = await device()
    let away = 0
    own.network.intercept(auth, (exchange, next) => {
      if (exchange.text.includes('request_type=device_code') && away++ < 4) return new Response(null, { status: 502 })
      return next(exchange)
    })
    expect((await agent.fetch(events)).status).toBe(200)
    // Each question is repeated once, a second later.
    expect(slept).toEqual([5, 1, 10, 1, 20])
  })

  test('polling ends when no call waits any more', async () => {
    const { own, users } = await worldOfUsers()
    const leave = new AbortController()
    const polls: number[] = []
    const sleep = async (seconds: number): Promise<void> => {
      polls.push(seconds)
      if (polls.length === 3) leave.abort('bye')
    }
    users.polls.push(...Array.from({ length: 9 }, () => 'authorization_pending' as const))
    const agent = delegateIn(own, { sleep, interact: deviceCode({ show: () => undefined }) })
    await expect(agent.fetch(events, { signal: leave.signal })).rejects.toBe('bye')
    await expect.poll(() => formsOf(users, 'device_code').length).toBe(2)
  })

  test.each(['unauthorized_client', 'unsupported_request_type'] as const)(
    'where it is not allowed (%s), what needs no user is still granted',
    async error => {
      const { own, users, agent, shown } = await device()
      refuses(own, 'device_auth', new AAuthError(error, 'not here', { reason: 'internal_error' }))
      const response = await agent.fetch(events)
      expect(explain(response).reason).toMatch(/^the auth server wants to ask a user/)
      expect(shown).toEqual([])
      expect(formsOf(users, 'auth')).toHaveLength(1)
    },
  )

  test('uses otherwise when the auth server does not allow codes', async () => {
    const visits: string[] = []
    for (const isAllowed of [false, true]) {
      const { own, users, decide } = await worldOfUsers()
      if (!isAllowed)
        refuses(own, 'device_auth', new AAuthError('unauthorized_client', 'not here', { reason: 'caller_not_allowed' }))
      const shown: DeviceCode[] = []
      const otherwise = callbackRoute({
        redirectUri: callback,
        visit: async url => {
          visits.push(url)
          await agent.handleCallback(decide(url, { user: 'ada' }))
        },
      })
      const interact = deviceCode({ show: code => void shown.push(code), otherwise })
      const agent = delegateIn(own, { interact, sleep: isAllowed ? async () => undefined : forEver })
      expect((await agent.fetch(events)).status).toBe(200)
      expect([shown.length, visits.length]).toEqual(isAllowed ? [1, 1] : [0, 1])
      expect(formsOf(users, 'code')).toHaveLength(isAllowed ? 0 : 1)
    }
  })

  test('uses otherwise for a resource that asks its user itself', async () => {
    const own = await world()
    const asks = asking(own)
    const otherwise = callbackRoute({
      redirectUri: callback,
      visit: async url => void (await agent.handleCallback(asks.visit(url))),
    })
    const agent = delegateIn(own, { interact: deviceCode({ show: () => undefined, otherwise }), sleep: forEver })
    expect((await agent.fetch(events)).status).toBe(200)
    const alone = delegateIn(own, { interact: deviceCode({ show: () => undefined }), code: 'second' })
    await expect(alone.fetch(events)).rejects.toMatchObject({ code: 'interaction_required' })
  })

  test.each<readonly [string, string, Record<string, unknown>]>([
    ['a code that rewrites the terminal', 'user_code', { user_code: '\u001b[2JABCD' }],
    ['a code of two lines', 'user_code', { user_code: 'ABCD\nGo to evil.example' }],
    ['no code', 'user_code', { user_code: '' }],
    ['a page of http', 'verification_uri', { verification_uri: 'http://auth.example/device' }],
    ['a page that is a script', 'verification_uri', { verification_uri: 'javascript:alert(1)' }],
    ['a page that is a flag', 'verification_uri', { verification_uri: '--help' }],
    ['a page that looks like another', 'verification_uri', { verification_uri: 'https://bank.example@evil.example/' }],
    ['no device code', 'device_code', { device_code: 7 }],
    ['no life', 'expires_in', { expires_in: Number.NaN }],
    ['a pace that is none', 'interval', { interval: 0 }],
  ])(verifies('CLI-07', 'agent.checks.user-url', 'shows nothing of an answer with %s'), async (_, member, change) => {
    const { users, agent, shown } = await device()
    users.tamper = answer => ({ ...answer, ...change })
    await expect(agent.fetch(events)).rejects.toMatchObject({ code: 'invalid_answer', cause: { member } })
    expect(shown).toEqual([])
  })

  test('a pace of hours or of nothing is neither', async () => {
    for (const [interval, pause] of [
      [86_400, 60],
      [0.001, 1],
    ] as const) {
      const { users, agent, slept } = await device()
      users.tamper = answer => ({ ...answer, interval })
      await agent.fetch(events)
      expect(slept).toEqual([pause])
    }
  })
})
