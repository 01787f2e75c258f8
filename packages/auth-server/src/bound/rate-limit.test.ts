import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { rateLimit } from './rate-limit.js'

test(verifies('F-30', 'a limited name waits a minute, and no longer when the clock is set back'), () => {
  const clock = { now: 1_800_000_000 }
  const limit = rateLimit({ most: 2, seconds: 60, now: () => clock.now })
  for (const step of [60, -600, 60]) {
    limit.take('a')
    limit.take('a')
    clock.now += Math.sign(step) * 59
    expect(() => limit.take('a')).toThrow('too many requests')
    expect(() => limit.check('b')).not.toThrow()
    clock.now += step - Math.sign(step) * 59
  }
  limit.take('a')
})
