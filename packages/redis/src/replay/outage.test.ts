import type { ReplayEntry } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { openWire, type Wire } from '@countersign/testing/redis-stand-in'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RedisError, type RedisReplaySet, redisReplaySet } from '../index.js'

// What Redis itself decides is in redis.test.ts; here is what happens without it, so no Redis is needed.

const entry: ReplayEntry = {
  authority: 'calendar.example',
  thumbprint: 'kPrK',
  base: '"@method": POST',
  created: Date.now() / 1000,
  partition: 'identified',
  principal: 'https://agent.example',
}

let wire: Wire
let set: RedisReplaySet | undefined

const open = async (deadline = 0.3): Promise<RedisReplaySet> => {
  set = await redisReplaySet({ url: wire.url, deadline })
  return set
}

async function refusal(work: Promise<unknown>): Promise<{ code: string; transient: boolean; seconds: number }> {
  const from = performance.now()
  try {
    await work
  } catch (error) {
    if (error instanceof RedisError)
      return { code: error.code, transient: error.transient, seconds: (performance.now() - from) / 1000 }
    throw error
  }
  throw new Error('it was let pass')
}

/** Seconds until a check is answered again. */
async function recovery(of: RedisReplaySet): Promise<number> {
  const from = performance.now()
  for (;;) {
    const answered = await of.check(entry).then(
      () => true,
      () => false,
    )
    const seconds = (performance.now() - from) / 1000
    if (answered || seconds > 10) return seconds
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

beforeEach(async () => {
  wire = await openWire()
})

afterEach(async () => {
  await set?.close()
  set = undefined
  await wire.stop()
})

test(verifies('F-24', 'without Redis no request passes, and the error is immediate and transient'), async () => {
  const checked = await open(20)
  expect(await checked.check(entry)).toBe('fresh')
  await wire.stop()
  await new Promise(resolve => setTimeout(resolve, 50))
  const away = await refusal(checked.check(entry))
  expect(away).toMatchObject({ code: 'unavailable', transient: true })
  expect(away.seconds, 'it does not wait for the deadline').toBeLessThan(10)
})

test(verifies('F-25', 'when Redis is back, service is back within 5 seconds'), async () => {
  const checked = await open()
  await wire.stop()
  await refusal(checked.check(entry))
  await new Promise(resolve => setTimeout(resolve, 1500))
  await refusal(checked.check(entry))
  await wire.start()
  expect(await recovery(checked)).toBeLessThan(5)
})

describe(verifies('F-28', 'a slow Redis'), () => {
  test('costs at most the deadline, and requests are fast again afterwards', async () => {
    const checked = await open()
    wire.delay = 2
    const all = await Promise.all(Array.from({ length: 200 }, () => refusal(checked.check(entry))))
    for (const late of all) {
      expect(late.transient).toBe(true)
      expect(late.seconds).toBeLessThan(1)
    }
    wire.delay = 0
    expect(await recovery(checked)).toBeLessThan(5)
  })

  test('that no longer answers is dropped, and another connection is made', async () => {
    const checked = await open()
    wire.silent = true
    expect(await refusal(checked.check(entry))).toMatchObject({ transient: true })
    expect(await refusal(checked.check(entry))).toMatchObject({ transient: true })
    wire.silent = false
    expect(await recovery(checked)).toBeLessThan(5)
  })

  test('gets no more checks than may wait', async () => {
    const checked = await open()
    wire.silent = true
    const waiting = Array.from({ length: 10_000 }, () => refusal(checked.check(entry)))
    let over = 0
    for (const one of waiting) void one.finally(() => over++)
    expect(await refusal(checked.check(entry))).toMatchObject({ code: 'overloaded', transient: true })
    expect(over, 'it was refused at once, while all others waited').toBe(0)
    for (const { code } of await Promise.all(waiting)) expect(code).not.toBe('overloaded')
  })
})

test(verifies('F-29', 'a Redis that could evict is refused at start'), async () => {
  for (const policy of ['allkeys-lru', 'volatile-lru', 'volatile-ttl', 'allkeys-random']) {
    wire.memory = `maxmemory:1048576\r\nmaxmemory_policy:${policy}\r\n`
    expect(await refusal(redisReplaySet({ url: wire.url })), policy).toMatchObject({
      code: 'evicting',
      transient: false,
    })
  }
  wire.memory = 'used_memory:1\r\n'
  expect(await refusal(redisReplaySet({ url: wire.url }))).toMatchObject({ code: 'evicting' })
  for (const memory of [
    'maxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n',
    'maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n',
  ]) {
    wire.memory = memory
    const checked = await redisReplaySet({ url: wire.url })
    expect(await checked.check(entry)).toBe('fresh')
    await checked.close()
  }
})

test(verifies('F-29', 'a Redis that evicts after its restart is refused, too'), async () => {
  const checked = await open()
  await wire.stop()
  wire.memory = 'maxmemory:1048576\r\nmaxmemory_policy:allkeys-lru\r\n'
  await wire.start()
  await new Promise(resolve => setTimeout(resolve, 1500))
  expect(await refusal(checked.check(entry))).toMatchObject({ code: 'evicting', transient: false })
})

test('without Redis redisReplaySet rejects within the deadline', async () => {
  const nobody = await refusal(redisReplaySet({ url: `redis://127.0.0.1:${await freePort()}`, deadline: 0.3 }))
  expect(nobody.transient).toBe(true)
  expect(nobody.seconds).toBeLessThan(1)
  wire.silent = true
  expect(await refusal(redisReplaySet({ url: wire.url, deadline: 0.3 }))).toMatchObject({ code: 'timeout' })
})

test('options out of range are refused', async () => {
  const { url } = wire
  for (const options of [
    { window: 0 },
    { capacity: -1 },
    { share: Number.NaN },
    { deadline: 0 },
    { deadline: Number.POSITIVE_INFINITY },
  ])
    await expect(redisReplaySet({ url, ...options })).rejects.toThrow(RangeError)
  for (const options of [{}, { url, prefix: '' }, { url, prefix: 'a{b}' }])
    await expect(redisReplaySet(options)).rejects.toThrow(TypeError)
})
