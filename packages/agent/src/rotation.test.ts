import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, delegateIn } from './agents.test.fixture.js'
import { explain } from './explanation.js'
import { delegate, pseudonym } from './identity/identity.js'
import { calendar, home, type World, world } from './participants.test.fixture.js'
import { asked, jwksAsked, rotating } from './rotations.test.fixture.js'
import { type AgentState, memoryState } from './state/state.js'

const agenda = `${calendar}/agenda`
const events = `${calendar}/events`

const forms = (own: World): string[] =>
  own.network.sent.filter(e => e.target === '/token').map(e => new URLSearchParams(e.text).get('request_type') ?? '')

/** A promise, and what resolves it. */
function signal(): [() => void, Promise<void>] {
  let resolve = (): void => undefined
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return [resolve, promise]
}

describe('rotateKey', () => {
  test(
    verifies('delegate.rotate', 'AGT-12', 'the old key signs, the new one proves itself, and the delegate stays'),
    async () => {
      const own = await world()
      const agent = delegateIn(own)
      await agent.fetch(agenda)
      const before = own.network.sent.at(-1)?.header('signature-key')
      await agent.rotateKey()
      const request = own.network.sent.at(-1)
      expect(request?.header('signature-key')).toBe(before)
      expect(Object.keys(JSON.parse(request?.text ?? ''))).toEqual(['jwk', 'proof'])
      expect(JSON.parse(request?.text ?? '').jwk).not.toHaveProperty('d')
      expect(await agent.identify()).toEqual({ agent: home, delegate: 'd1' })
      expect((await agent.fetch(agenda)).status).toBe(200)
      expect(own.network.sent.at(-1)?.header('signature-key')).not.toBe(before)
      own.clock.time += 3000
      await agent.fetch(agenda)
      await expect.poll(() => asked(own)).toEqual(['enrol', 'rotate', 'renew'])
      expect(own.delegates.alarms).toEqual([])
    },
  )

  test('survives a restart, and can be repeated', async () => {
    const own = await world()
    const state = memoryState()
    await delegateIn(own, { state }).identify()
    for (let n = 0; n < 5; n++) await delegateIn(own, { state }).rotateKey()
    expect((await delegateIn(own, { state }).fetch(agenda)).status).toBe(200)
    expect(asked(own)).toEqual(['enrol', 'rotate', 'rotate', 'rotate', 'rotate', 'rotate'])
    expect(new Set(jwksAsked(own).map(jwk => JSON.stringify(jwk))).size).toBe(5)
    expect(own.delegates.alarms).toEqual([])
  })

  test('calls at once rotate one after the other, and a delegate that is not enrolled enrols', async () => {
    const own = await world()
    const agent = delegateIn(own)
    await Promise.all([agent.rotateKey(), agent.rotateKey(), agent.fetch(agenda)])
    expect(asked(own)).toEqual(['enrol', 'rotate'])
    expect((await agent.fetch(agenda)).status).toBe(200)
    expect(own.delegates.alarms).toEqual([])
  })

  test('the old key is kept for requests on their way, and destroyed a day later', async () => {
    const own = await world()
    const { read, write, remove } = memoryState()
    const agent = delegateIn(own, { state: { read, write, remove } })
    await agent.identify()
    await agent.rotateKey()
    const both = [`key delegate ${home} 1`, `key delegate ${home} 2`]
    const kept = async (): Promise<number> =>
      (await Promise.all(both.map(read))).filter(jwk => jwk !== undefined).length
    own.clock.time += 86_000
    await agent.identify()
    expect(await kept()).toBe(2)
    own.clock.time += 3700
    await agent.identify()
    expect(await kept()).toBe(1)
    own.clock.time += 3700
    expect((await agent.fetch(agenda)).status).toBe(200)
  })

  test('only a delegate has a key to replace', async () => {
    const own = await world()
    for (const agent of [agentIn(own), agentIn(own, { identity: pseudonym() })])
      await expect(agent.rotateKey()).rejects.toMatchObject({ code: 'not_allowed' })
  })

  test('an agent server that replaces no keys is reported, and the key stays', async () => {
    const own = await world()
    own.delegates.rotates = false
    const agent = delegateIn(own)
    await agent.fetch(agenda)
    await expect(agent.rotateKey()).rejects.toMatchObject({ code: 'unsupported' })
    own.clock.time += 3000
    expect((await agent.fetch(agenda)).status).toBe(200)
    await expect.poll(() => asked(own)).toEqual(['enrol', 'rotate', 'renew'])
  })
})

describe('grants after a rotation', () => {
  test(
    verifies(
      'agent.key-changed',
      'refresh.not-bound-to-key',
      'an auth token bound to the old key is refreshed, not asked for anew',
    ),
    async () => {
      const own = await world()
      const agent = delegateIn(own)
      await agent.fetch(events)
      await agent.rotateKey()
      own.network.sent.length = 0
      const response = await agent.fetch(events)
      expect(response.status).toBe(200)
      expect(explain(response).steps.map(step => step.what)).toEqual(['refresh', 'sign'])
      expect(forms(own)).toEqual(['refresh'])
    },
  )

  test(verifies('refresh.not-bound-to-key', 'requests on their way with the old key are not lost'), async () => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.fetch(events)
    const [arrived, waiting] = signal()
    const [release, held] = signal()
    own.network.intercept(calendar, async (exchange, next) => {
      if (exchange.header('x-slow') !== undefined) {
        arrived()
        await held
      }
      return next(exchange)
    })
    const slow = agent.fetch(events, { method: 'POST', body: 'x', headers: { 'x-slow': '1' } })
    await waiting
    await agent.rotateKey()
    release()
    expect((await slow).status).toBe(200)
  })

  test(
    verifies(
      'agent.key-changed',
      'a challenge for the old key is not followed: the agent identifies itself under the new one',
    ),
    async () => {
      const own = await world()
      const agent = delegateIn(own)
      await agent.fetch(agenda)
      let rotated = false
      own.network.intercept(calendar, async (exchange, next) => {
        const response = await next(exchange)
        if (!rotated && response.headers.get('agent-auth')?.includes('auth-token') === true) {
          rotated = true
          await agent.rotateKey()
        }
        return response
      })
      const response = await agent.fetch(events)
      expect(response.status).toBe(200)
      expect(explain(response).steps.map(step => step.what)).toEqual([
        'sign',
        'challenge',
        'identify',
        'sign',
        'challenge',
        'authorize',
        'authorize',
        'sign',
      ])
      expect(forms(own)).toEqual(['auth'])
    },
  )
})

describe('rotateEvery', () => {
  test(verifies('delegate.rotate', 'a key is replaced at the first renewal after that many seconds'), async () => {
    const own = await world()
    const agent = rotating(own, 7200)
    await agent.fetch(agenda)
    for (let n = 0; n < 4; n++) {
      own.clock.time += 3700
      expect((await agent.fetch(agenda)).status).toBe(200)
    }
    expect(asked(own)).toEqual(['enrol', 'renew', 'rotate', 'renew', 'rotate'])
    expect(own.delegates.alarms).toEqual([])
  })

  test('is a week by default, and Infinity is never', async () => {
    const own = await world()
    own.delegates.codes.set('third', 'd2')
    const byDefault = delegateIn(own)
    const never = rotating(own, Number.POSITIVE_INFINITY)
    await byDefault.identify()
    own.network.sent.length = 0
    own.clock.time += 604_799
    await byDefault.identify()
    own.clock.time += 3700
    await byDefault.identify()
    expect(asked(own)).toEqual(['renew', 'rotate'])
    const third = agentIn(own, {
      identity: delegate({
        agentServer: home,
        enroll: { type: 'code', code: 'third' },
        rotateEvery: Number.POSITIVE_INFINITY,
      }),
    })
    await third.identify()
    own.network.sent.length = 0
    own.clock.time += 25 * 86_400
    await third.identify()
    expect(asked(own)).toEqual(['renew'])
    expect(never).toHaveProperty('rotateKey')
  })

  test('renews instead when the agent server replaces no keys, and does not ask again for a day', async () => {
    const own = await world()
    own.delegates.rotates = false
    const agent = rotating(own, 3600)
    await agent.identify()
    for (let n = 0; n < 3; n++) {
      own.clock.time += 3700
      await agent.identify()
    }
    expect(asked(own)).toEqual(['enrol', 'rotate', 'renew', 'renew', 'renew'])
    own.clock.time += 86_400
    await agent.identify()
    expect(asked(own).slice(5)).toEqual(['rotate', 'renew'])
  })

  test.each([0, -1, 3599, Number.NaN])('%d is refused', rotateEvery => {
    expect(() => delegate({ agentServer: home, rotateEvery })).toThrow(RangeError)
    expect(delegate({ agentServer: home, rotateEvery: 3600 }).kind).toBe('delegate')
  })
})

describe('several processes with one state', () => {
  test('renew and rotate once, and the others use the result', async () => {
    const own = await world()
    const state: AgentState = memoryState()
    const all = [1, 2, 3].map(() => rotating(own, 3600, { state }))
    await Promise.all(all.map(agent => agent.fetch(agenda)))
    expect(asked(own)).toEqual(['enrol'])
    own.clock.time += 3700
    const responses = await Promise.all(all.map(agent => agent.fetch(agenda)))
    expect(responses.map(response => response.status)).toEqual([200, 200, 200])
    expect(asked(own)).toEqual(['enrol', 'rotate'])
    await all[0]?.rotateKey()
    own.clock.time += 3500
    await Promise.all(all.map(agent => agent.identify()))
    await expect.poll(() => asked(own)).toEqual(['enrol', 'rotate', 'rotate', 'renew'])
    expect(own.delegates.alarms).toEqual([])
  })
})
