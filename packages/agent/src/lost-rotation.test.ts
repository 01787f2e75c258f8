import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { delegateIn } from './agents.test.fixture.js'
import type { AgentEvent } from './explanation.js'
import { calendar, home, world } from './participants.test.fixture.js'
import { asked, jwksAsked, loses } from './rotations.test.fixture.js'
import { memoryState } from './state/state.js'

const agenda = `${calendar}/agenda`

describe('a rotation whose answer is lost', () => {
  test(
    verifies('delegate.rotate.repeat', 'is repeated with the same key within the minute that is allowed'),
    async () => {
      const own = await world()
      const waits: number[] = []
      const sleep = async (seconds: number): Promise<void> => {
        waits.push(seconds)
        own.clock.time += seconds
      }
      const agent = delegateIn(own, { sleep })
      await agent.identify()
      loses(own, 3)
      await agent.rotateKey()
      expect(waits).toEqual([1, 3, 9])
      expect(new Set(jwksAsked(own).map(jwk => JSON.stringify(jwk))).size).toBe(1)
      expect((await agent.fetch(agenda)).status).toBe(200)
      expect(own.delegates.alarms).toEqual([])
    },
  )

  test(verifies('delegate.rotate.repeat', 'is repeated by the next call after one that gave up'), async () => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.identify()
    loses(own, 5)
    await expect(agent.rotateKey()).rejects.toMatchObject({ code: 'unreachable' })
    own.clock.time += 20
    expect((await agent.fetch(agenda)).status).toBe(200)
    await expect.poll(() => jwksAsked(own)).toHaveLength(6)
    // One rotation at a time: now the answer to the repeated one was read, whose times are of before the leap.
    await agent.rotateKey()
    own.clock.time += 3700
    await expect.poll(async () => (await agent.fetch(agenda)).status).toBe(200)
    expect(own.delegates.alarms).toEqual([])
  })

  test(verifies('delegate.rotate.repeat', 'is repeated by the process that starts after a crash'), async () => {
    const own = await world()
    const state = memoryState()
    const first = delegateIn(own, { state })
    await first.identify()
    loses(own, 5)
    await expect(first.rotateKey()).rejects.toMatchObject({ code: 'unreachable' })
    own.clock.time += 20
    const later = delegateIn(own, { state })
    expect((await later.fetch(agenda)).status).toBe(200)
    await expect.poll(() => jwksAsked(own)).toHaveLength(6)
    expect(new Set(jwksAsked(own).map(jwk => JSON.stringify(jwk))).size).toBe(1)
    // One rotation at a time: now the answer to the repeated one was read, whose times are of before the leap.
    await later.rotateKey()
    own.clock.time += 3700
    const next = async (): Promise<string | undefined> => {
      expect((await later.fetch(agenda)).status).toBe(200)
      return asked(own).at(-1)
    }
    await expect.poll(next).toBe('renew')
    expect(own.delegates.alarms).toEqual([])
  })

  test(
    verifies(
      'delegate.rotate.alarm',
      'after that minute the old key is refused: the token is used until its end, then the error says why',
    ),
    async () => {
      const own = await world()
      const seen: AgentEvent[] = []
      const state = memoryState()
      const first = delegateIn(own, { state })
      await first.identify()
      loses(own, 5)
      await expect(first.rotateKey()).rejects.toMatchObject({ code: 'unreachable' })
      own.clock.time += 120
      const agent = delegateIn(own, { state, onEvent: event => seen.push(event) })
      expect((await agent.fetch(agenda)).status).toBe(200)
      const why = /could not be renewed: the key was replaced, but the answer that said so was lost/
      await expect.poll(() => seen.some(event => why.test(event.detail))).toBe(true)
      own.clock.time += 3600
      const refused = await agent.fetch(agenda)
      expect(refused.status).toBe(401)
      const fresh = delegateIn(own, { state, code: 'second' })
      expect((await fresh.fetch(agenda)).status).toBe(200)
    },
  )

  test('is done at the next call when its request never arrived', async () => {
    const own = await world()
    const state = memoryState()
    await delegateIn(own, { state }).identify()
    const stand = own.network.hosts.get(home)
    own.network.intercept(home, (exchange, next) => {
      if (exchange.target === '/delegates') throw new TypeError('fetch failed')
      return next(exchange)
    })
    await expect(delegateIn(own, { state }).rotateKey()).rejects.toMatchObject({ code: 'unreachable' })
    if (stand !== undefined) own.network.hosts.set(home, stand)
    own.clock.time += 600
    const agent = delegateIn(own, { state })
    await agent.rotateKey()
    expect((await agent.fetch(agenda)).status).toBe(200)
    expect(new Set(jwksAsked(own).map(jwk => JSON.stringify(jwk))).size).toBe(1)
    expect(own.delegates.alarms).toEqual([])
  })
})
