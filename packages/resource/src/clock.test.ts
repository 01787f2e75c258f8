import { verifies } from '@countersign/requirements'
import { asHolder } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

/** A calendar whose clock can be wrong, in a world where everybody else's is right. */
function wrongClock() {
  let wrong = 0
  const calendar = world.calendar({ now: () => world.clock.now + wrong })
  return {
    calendar,
    step(seconds: number) {
      wrong = seconds
    },
    async call(created = world.clock.now) {
      const as = asHolder(world.delegateKey, await world.authToken())
      const wire = await world.request({ as, method: 'POST', body: '{}', created: Math.floor(created) })
      return calendar.authorize(wire, { scope: 'events.read' })
    },
  }
}

test(
  verifies('F-31', 'error.date', 'a resource that is 90 s slow tells its time, so that agents can sign by it'),
  async () => {
    const { call, step } = wrongClock()
    expect((await call()).ok).toBe(true)
    step(-90)
    for (let turn = 0; turn < 3; turn++) {
      const refused = await call()
      if (refused.ok) throw new Error('it let pass what is ahead of its time')
      expect(refused.response.status).toBe(401)
      const date = Date.parse(refused.response.headers.get('date') ?? '') / 1000
      expect(date).toBe(Math.floor(world.clock.now - 90))
    }
    step(0)
    expect((await call()).ok).toBe(true)
  },
)

test(
  verifies('F-33', 'sig.created.window', 'a second that comes twice, or not at all, expires nothing early'),
  async () => {
    const { call, step, calendar } = wrongClock()
    const token = await world.authToken({ exp: Math.floor(world.clock.now) + 30 })
    const underToken = async (): Promise<boolean> => {
      const wire = await world.request({ as: asHolder(world.delegateKey, token) })
      return (await calendar.authorize(wire, { scope: 'events.read' })).ok
    }
    for (const leap of [1, -1]) {
      step(leap)
      // Of the 60 s there are the 58 that a signature may have been on its way, and more.
      expect((await call(world.clock.now - 58)).ok).toBe(true)
      expect((await call(world.clock.now + 58)).ok).toBe(true)
      expect((await call(world.clock.now - 62)).ok).toBe(false)
      expect((await call(world.clock.now + 62)).ok).toBe(false)
      expect(await underToken()).toBe(true)
    }
    step(1)
    world.clock.now += 28
    expect(await underToken()).toBe(true)
    world.clock.now += 3
    expect(await underToken()).toBe(false)
  },
)
