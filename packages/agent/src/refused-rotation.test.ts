import type { SigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { explain } from './explanation.js'
import { calendar, home, type World, world } from './participants.test.fixture.js'
import { asked, loses, rotating } from './rotations.test.fixture.js'
import { memoryState, type StateKeys } from './state/state.js'

const agenda = `${calendar}/agenda`

/** Rotations are refused, renewals are not. */
function refuses(own: World, status: number): void {
  const refusal = { error: status === 429 ? 'rate_limited' : 'unauthorized_client' }
  own.network.intercept(home, (exchange, next) =>
    exchange.text.startsWith('{"jwk"') ? Response.json(refusal, { status }) : next(exchange),
  )
}

describe('a rotation that fails', () => {
  test.each([
    ['cannot sign', (key: SigningKey) => ({ ...key, sign: () => Promise.reject(new Error('not permitted')) })],
    [
      'cannot be made',
      () => {
        throw new Error('no more keys')
      },
    ],
  ])('where the new key %s, the one there is goes on', async (_, spoilt) => {
    const own = await world()
    const { keys: kept, ...values } = memoryState()
    let made = 0
    const generate: StateKeys['generate'] = async name => {
      const key = (await kept?.generate(name)) ?? expect.fail()
      return ++made === 1 ? key : spoilt(key)
    }
    const keys = { load: async () => undefined, remove: async () => undefined, ...kept, generate }
    const agent = rotating(own, 3600, { state: { ...values, keys } })
    await agent.identify()
    for (let n = 0; n < 2; n++) {
      own.clock.time += 3700
      expect((await agent.fetch(agenda)).status).toBe(200)
    }
    expect(asked(own)).toEqual(['enrol', 'renew', 'renew'])
    await expect(agent.rotateKey()).rejects.toThrow()
    expect((await agent.fetch(agenda)).status).toBe(200)
  })

  test.each([403, 429])('a %i to a rotation leaves the key there is, and renews with it', async status => {
    const own = await world()
    const agent = rotating(own, 3600)
    await agent.identify()
    refuses(own, status)
    own.clock.time += 3700
    expect((await agent.fetch(agenda)).status).toBe(200)
    expect(asked(own)).toEqual(['enrol', 'rotate', 'renew'])
    expect(own.delegates.alarms).toEqual([])
  })

  test(
    verifies('delegate.rotate.repeat', 'but not one after an answer that was lost: the key may be replaced'),
    async () => {
      const own = await world()
      const agent = rotating(own, 3600)
      await agent.identify()
      refuses(own, 429)
      loses(own, 1)
      own.clock.time += 3700
      const response = await agent.fetch(agenda)
      expect([response.status, explain(response).reason]).toEqual([401, expect.stringContaining('(429 rate_limited)')])
      expect(asked(own)).toEqual(['enrol', 'rotate', 'rotate'])
      expect(own.delegates.alarms).toEqual([])
    },
  )
})
