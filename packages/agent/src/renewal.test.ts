import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, calls, delegateIn } from './agents.test.fixture.js'
import { type AgentEvent, explain } from './explanation.js'
import { delegate } from './identity/identity.js'
import { calendar, home, type World, world } from './participants.test.fixture.js'
import { memoryState } from './state/state.js'

const agenda = `${calendar}/agenda`

/** The delegate token endpoint is away, or refuses, as `answer` says. */
function answers(own: World, answer: () => Response): { stop(): void } {
  const before = own.network.hosts.get(home)
  own.network.intercept(home, (exchange, next) => (exchange.target === '/delegates' ? answer() : next(exchange)))
  return {
    stop: () => {
      if (before !== undefined) own.network.hosts.set(home, before)
    },
  }
}

const away = (): Response => new Response(null, { status: 502 })
const renewals = (own: World): number => calls(own, home).length - 1

describe('a renewal that fails', () => {
  test(verifies('delegate.renew', 'is told by events and by explain, with the seconds that are left'), async () => {
    const own = await world()
    const events: AgentEvent[] = []
    const agent = delegateIn(own, { onEvent: event => events.push(event) })
    await agent.fetch(agenda)
    answers(own, away)
    own.clock.time += 3000
    await agent.fetch(agenda)
    const sentence = `the agent token could not be renewed: the agent server could not be reached (${home}: 502); it is used for the 600 s it has left`
    await expect.poll(() => events.map(event => event.detail)).toContain(sentence)
    const response = await agent.fetch(agenda)
    expect(response.status).toBe(200)
    expect(explain(response).steps.map(step => [step.what, step.detail])).toContainEqual(['renew', sentence])
  })

  test('is tried again less and less often, at most ten minutes apart', async () => {
    const own = await world()
    own.tamper.set('agent+jwt', claims => ({ ...claims, exp: Number(claims['iat']) + 86_400 }))
    let failures = 0
    const agent = delegateIn(own, {
      onEvent: ({ detail }) => {
        if (detail.includes('could not be renewed')) failures += 1
      },
    })
    await agent.identify()
    answers(own, away)
    own.clock.time += 0.7 * 86_400 - 1
    for (const [index, pause] of [1, 30, 60, 120, 240, 480, 600, 600].entries()) {
      own.clock.time += pause - 1
      await agent.identify()
      own.clock.time += 1
      failures = 0
      await agent.identify()
      await expect.poll(() => failures).toBe(1)
      expect(renewals(own)).toBe(index + 1)
    }
  })

  test('once the token has ended is tried again after a second, and no call hammers', async () => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.fetch(agenda)
    const server = answers(own, away)
    own.clock.time += 7200
    for (let n = 0; n < 10; n++) await expect(agent.fetch(agenda)).rejects.toMatchObject({ code: 'unreachable' })
    expect(renewals(own)).toBe(1)
    own.clock.time += 1
    await expect(agent.fetch(agenda)).rejects.toMatchObject({ code: 'unreachable' })
    expect(renewals(own)).toBe(2)
    server.stop()
    own.clock.time += 30
    expect((await agent.fetch(agenda)).status).toBe(200)
  })

  test(
    verifies('NON-24', 'sig.replay.no-repeat', 'it is asked once in a call, however long the challenge takes to come'),
    async () => {
      const own = await world()
      const agent = delegateIn(own)
      await agent.fetch(agenda)
      const server = answers(own, away)
      own.clock.time += 7200
      own.network.intercept(calendar, (exchange, next) => {
        own.clock.time += 60
        return next(exchange)
      })
      await expect(agent.fetch(agenda)).rejects.toMatchObject({ code: 'unreachable' })
      expect(renewals(own)).toBe(1)
      server.stop()
      own.clock.time += 60
      expect((await agent.fetch(agenda)).status).toBe(200)
    },
  )
})

describe('an enrolment that is over', () => {
  test(
    verifies(
      'delegate.renew.current-key',
      'revoked or replaced: the token works until its end, and the reason is reported',
    ),
    async () => {
      const own = await world()
      const agent = delegateIn(own)
      await agent.fetch(agenda)
      own.delegates.known.delete('d1')
      own.clock.time += 3580
      const last = await agent.fetch(agenda)
      expect(last.status).toBe(200)
      expect(
        explain(last)
          .steps.map(step => step.detail)
          .join('\n'),
      ).toContain('this delegate was revoked, or its key replaced elsewhere')
      own.clock.time += 60
      const refused = await agent.fetch(agenda)
      expect(refused.status).toBe(401)
      expect(explain(refused).reason).toContain('enrol again (401 invalid_agent_token ')
      const asked = renewals(own)
      own.clock.time += 500
      await agent.fetch(agenda)
      expect(renewals(own)).toBe(asked)
      own.clock.time += 100
      await agent.fetch(agenda)
      expect(renewals(own)).toBe(asked + 1)
    },
  )

  test(verifies('delegate.renew.grace', 'it renews 30 days past its end, and not after that'), async () => {
    for (const [days, status] of [
      [29.9, 200],
      [30.1, 401],
    ] as const) {
      const own = await world()
      const agent = delegateIn(own)
      await agent.fetch(agenda)
      own.clock.time += 3600 + days * 86_400
      own.delegates.rotates = false
      const response = await agent.fetch(agenda)
      expect(response.status).toBe(status)
      if (status === 401) expect(explain(response).reason).toContain('ended more than 30 days ago: enrol again')
    }
  })

  test('a new code replaces it at once, while the token is still valid', async () => {
    const own = await world()
    const state = memoryState()
    await delegateIn(own, { state }).identify()
    own.delegates.known.delete('d1')
    const enroll = { type: 'custom', enrollment: async () => ({ type: 'badge', badge: 'b7' }) } as const
    const agent = agentIn(own, { state, identity: delegate({ agentServer: home, enroll }) })
    own.clock.time += 3580
    expect(await agent.identify()).toEqual({ agent: home, delegate: 'b7' })
  })
})

test('renewals are spread, and run one at a time', async () => {
  const own = await world()
  own.delegates.codes.set('third', 'd2')
  const early = delegateIn(own, { random: () => 0 })
  const late = delegateIn(own, { random: () => 0.99, code: 'third' })
  await Promise.all([early.identify(), late.identify()])
  own.network.sent.length = 0
  own.clock.time += 2530
  await Promise.all(Array.from({ length: 20 }, () => [early.identify(), late.identify()]).flat())
  await expect.poll(() => calls(own, home)).toHaveLength(1)
  own.clock.time += 710
  await Promise.all(Array.from({ length: 20 }, () => late.identify()))
  await expect.poll(() => calls(own, home)).toHaveLength(2)
})
