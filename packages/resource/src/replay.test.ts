import { generateSigningKey, memoryReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { send } from '@countersign/testing/wire'
import { asAgent, asKey } from '@countersign/testing/world/signer'
import { expect, test } from 'vitest'
import { calendarScene } from './calendar.test.fixture.js'

const { world, calendar, as } = await calendarScene()

test(
  verifies(
    'NON-01',
    'sig.replay.unsafe',
    'error.replay-detected',
    'challenge.every-401',
    'a POST passes once, and its replay is not invited to try again',
  ),
  async () => {
    const wire = await world.request({ as, target: '/feed', method: 'POST', body: '{}' })
    expect((await send(calendar.port, wire)).status).toBe(200)
    const before = calendar.ran()
    const again = await send(calendar.port, wire)
    expect([again.status, again.error, again.headers.get('agent-auth')]).toEqual([401, 'replay_detected', undefined])
    expect(calendar.ran()).toBe(before)
  },
)

test(verifies('NON-09', 'of fifty at once, one is processed'), async () => {
  const wire = await world.request({ as, target: '/feed', method: 'DELETE' })
  const before = calendar.ran()
  const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await send(calendar.port, wire)).status))
  expect(statuses.filter(status => status === 200).length).toBe(1)
  expect(calendar.ran() - before).toBe(1)
})

test(verifies('NON-11', 'sig.replay.safe', 'a GET may come again, unless its route says otherwise'), async () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    const wire = await world.request({ as, target: '/feed', method })
    expect([(await send(calendar.port, wire)).status, (await send(calendar.port, wire)).status], method).toEqual([
      200, 200,
    ])
  }
  const once = await world.request({ as, target: '/once' })
  expect([(await send(calendar.port, once)).status, (await send(calendar.port, once)).status]).toEqual([200, 401])
})

test(verifies('NON-06', 'the same nonce under another key is another request'), async () => {
  for (const signer of [as, asKey(await generateSigningKey()), asAgent(world.agent)]) {
    const wire = await world.request({ as: signer, target: '/feed', method: 'POST', body: '{"nonce":1}' })
    expect((await send(calendar.port, wire)).status).toBe(200)
  }
})

test(
  verifies('sig.replay.after-checks', 'a request that was refused for level, scope or limit may come again'),
  async () => {
    const resource = world.calendar({ limits: { authorized: '1/s' } })
    const message = await world.request({ as, target: '/x', method: 'POST', body: '{}' })
    expect((await resource.authorize(message, { level: 'identified' })).ok).toBe(false)
    expect((await resource.authorize(message, { level: 'pseudonymous', limits: { pseudonymous: '1/day' } })).ok).toBe(
      true,
    )
    const second = await world.request({ as, target: '/x', method: 'POST', body: '{}' })
    const limited = await resource.authorize(second, { level: 'pseudonymous', limits: { pseudonymous: '1/day' } })
    expect(limited.ok ? undefined : limited.response.status).toBe(429)
    expect((await resource.authorize(second, { level: 'pseudonymous' })).ok).toBe(true)
  },
)

test(
  verifies('sig.replay.restart', 'sig.replay.early', 'a set that has just begun refuses what it cannot know'),
  async () => {
    const now = () => world.clock.now
    const resource = world.calendar({ replay: memoryReplaySet({ now }) })
    const started = Math.floor(world.clock.now)
    const answer = async (created: number) => {
      const message = await world.request({ as, target: '/x', method: 'POST', body: '{}', created })
      const authorization = await resource.authorize(message, { level: 'pseudonymous' })
      if (authorization.ok) return 200
      const { status, headers } = authorization.response
      return [status, headers.get('retry-after'), headers.get('agent-auth')]
    }
    // By this an agent knows that no handler has seen it, and signs anew.
    expect(await answer(started - 1)).toEqual([503, '1', 'httpsig'])
    expect(await answer(started + 20)).toEqual([503, '1', 'httpsig'])
    expect(await answer(started + 2)).toBe(200)
    const safe = await world.request({ as, target: '/x', created: started - 1 })
    expect((await resource.authorize(safe, { level: 'pseudonymous' })).ok).toBe(true)
  },
)
