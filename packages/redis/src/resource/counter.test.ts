import { verifies } from '@countersign/requirements'
import { redisForTests } from '@countersign/testing/redis'
import { openWire } from '@countersign/testing/redis-stand-in'
import { createClient } from 'redis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RedisCounter, redisCounter } from '../resource.js'

const { url, away: why, prefix: tests, keys } = await redisForTests()
const on = test.skipIf(why !== '')
const open: RedisCounter[] = []
let number = 0

async function opened(): Promise<RedisCounter> {
  const counter = await redisCounter({ url, prefix: `${tests}:${number}` })
  open.push(counter)
  return counter
}

const sleep = (seconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, seconds * 1000))
const hour = { count: 2, seconds: 3600 }

afterEach(async () => {
  for (const counter of open.splice(0)) await counter.close()
  number++
})

on(verifies('RAT-01', `instances count together, one key like another${why}`), async () => {
  const [one, two] = [await opened(), await opened()]
  expect([await one.take('a', hour), await two.take('a', hour), await one.take('a', hour)]).toMatchObject([
    { within: true, remaining: 1 },
    { within: true, remaining: 0 },
    { within: false, remaining: 0 },
  ])
  const other = await two.take('b', hour)
  expect(other).toMatchObject({ within: true, remaining: 1 })
  expect(other.seconds > 3598 && other.seconds <= 3600).toBe(true)
})

on(
  verifies('sig.replay.costs-nothing', `a count that is given back no longer counts, and none is below zero${why}`),
  async () => {
    const [one, two] = [await opened(), await opened()]
    await one.take('a', hour)
    await two.take('a', hour)
    await one.giveBack?.('a', hour)
    expect(await two.take('a', hour)).toMatchObject({ within: true, remaining: 0 })
    for (let more = 0; more < 5; more++) await one.giveBack?.('never counted', hour)
    expect(await two.take('never counted', hour)).toMatchObject({ within: true, remaining: 1 })
  },
)

on(verifies('RAT-08', 'LOG-10', `keys are hashes, are distinct, and end with their window${why}`), async () => {
  const counter = await opened()
  const second = { count: 1, seconds: 1 }
  for (const key of ['a:b', 'a\nb', 'a\u0000b', 'https://agent.example', 'x'.repeat(10_000)])
    expect((await counter.take(key, second)).within).toBe(true)
  const held = await keys(`{${tests}:${number}}:*`)
  expect(held).toHaveLength(5)
  for (const key of held) expect(key).toMatch(/\}:[\w-]{43}$/)
  expect((await counter.take('a:b', second)).within).toBe(false)
  await sleep(1.1)
  expect(await keys(`{${tests}:${number}}:*`)).toEqual([])
  expect((await counter.take('a:b', second)).within).toBe(true)
})

on(`many at once are all counted, and a forgotten script is no fault${why}`, async () => {
  const client = await createClient({ url }).connect()
  const counter = await redisCounter({ client, prefix: `${tests}:${number}` })
  const rate = { count: 50, seconds: 60 }
  const counts = await Promise.all(Array.from({ length: 80 }, () => counter.take('a', rate)))
  expect(counts.filter(({ within }) => within)).toHaveLength(50)
  await client.sendCommand(['SCRIPT', 'FLUSH'])
  expect((await counter.take('a', rate)).within).toBe(false)
  await counter.close()
  expect(client.isReady).toBe(true)
  await client.close()
})

describe('without Redis', () => {
  /** As much of Redis as counts, and what it may suffer. */
  function redis() {
    const counts = new Map<string, number>()
    const place = {
      state: 'well' as 'well' | 'away' | 'hanging',
      memory: 'maxmemory:0\r\nmaxmemory_policy:noeviction\r\n',
      asked: 0,
      on: () => undefined,
      async sendCommand([name = '', , , key = '', milliseconds]: readonly string[]): Promise<unknown> {
        if (place.state === 'away') throw new Error('the connection is closed')
        if (name === 'INFO') return place.memory
        if (name === 'SCRIPT') return 'hash'
        place.asked++
        if (place.state === 'hanging') return new Promise(() => undefined)
        counts.set(key, (counts.get(key) ?? 0) + 1)
        return [counts.get(key), Number(milliseconds)]
      },
    }
    return place
  }

  let place: ReturnType<typeof redis>
  let told: unknown[]
  let counter: RedisCounter
  beforeEach(async () => {
    place = redis()
    told = []
    const onChange = (counting: string, cause?: unknown) => told.push([counting, cause instanceof Error])
    counter = await redisCounter({ client: place, deadline: 0.2, onChange })
  })
  const outcomes = async (times: number): Promise<boolean[]> => {
    const found: boolean[] = []
    for (let n = 0; n < times; n++) found.push((await counter.take('a', hour)).within)
    return found
  }

  test(
    verifies('F-24', 'F-25', 'each counts for itself, and together again a second after Redis is back'),
    async () => {
      expect(await outcomes(3)).toEqual([true, true, false])
      place.state = 'away'
      expect(await outcomes(3)).toEqual([true, true, false])
      place.state = 'well'
      expect(await outcomes(1)).toEqual([false])
      await sleep(1.05)
      expect(await counter.take('a', { count: 4, seconds: 3600 })).toMatchObject({ within: true, remaining: 0 })
      expect(told).toEqual([
        ['local', true],
        ['shared', false],
      ])
    },
  )

  test(verifies('F-28', 'a Redis that hangs delays one request by the deadline, not every one'), async () => {
    place.state = 'hanging'
    const from = performance.now()
    expect(await outcomes(4)).toEqual([true, true, false, false])
    expect(performance.now() - from).toBeLessThan(600)
    expect(place.asked).toBe(1)
    await sleep(1.05)
    const again = performance.now()
    const crowd = await Promise.all(Array.from({ length: 50 }, () => counter.take('b', hour)))
    expect(crowd.filter(({ within }) => within)).toHaveLength(2)
    expect([place.asked, performance.now() - again < 600]).toEqual([2, true])
  })

  test(verifies('F-29', 'a Redis that may evict counts, or does not answer, is refused at the start'), async () => {
    place.memory = 'maxmemory:8000000\r\nmaxmemory_policy:allkeys-lru\r\n'
    await expect(redisCounter({ client: place })).rejects.toMatchObject({ code: 'evicting', transient: false })
    place.memory = 'maxmemory:8000000\r\nmaxmemory_policy:noeviction\r\n'
    await (await redisCounter({ client: place })).close()
    place.state = 'away'
    await expect(redisCounter({ client: place })).rejects.toMatchObject({ code: 'unavailable' })
    await expect(redisCounter({})).rejects.toThrow(TypeError)
    await expect(redisCounter({ client: place, prefix: 'a{b}' })).rejects.toThrow(TypeError)
    await expect(redisCounter({ client: place, deadline: 0 })).rejects.toThrow(RangeError)
  })
})

describe('calls under policies', () => {
  const now = 1_800_000_000
  const minute = { key: 'minute', max: 1, ends: now + 60 }
  const day = { key: 'day', max: 2, ends: now + 86_400 }

  on(verifies('DEL-40', 'policy.calls', `instances count together, in all windows or in none${why}`), async () => {
    const [one, two] = [await opened(), await opened()]
    const both = { windows: [minute, day], now }
    expect(await one.takeCall(both)).toEqual([])
    expect(await two.takeCall(both)).toEqual([minute])
    expect(await two.takeCall({ windows: [day], now, only: 'look' })).toEqual([])
    expect(await two.takeCall({ windows: [day], now })).toEqual([])
    expect(await one.takeCall(both)).toEqual([minute, day])
    const held = await keys(`{${tests}:${number}}:*`)
    expect(held).toHaveLength(2)
    for (const key of held) expect(key).toMatch(/\}:calls:[\w-]{43}$/)
  })

  on(verifies('policy.calls', `of a crowd at two instances exactly as many pass as may${why}`), async () => {
    const instances = [await opened(), await opened()]
    const crowd = Array.from({ length: 100 }, (_, at) =>
      instances[at % 2]?.takeCall({ windows: [{ ...minute, max: 7 }], now }),
    )
    const counted = (await Promise.all(crowd)).filter(used => used?.length === 0)
    expect(counted).toHaveLength(7)
  })

  on(verifies('F-83', `an instance whose clock is 300 s ahead does not end the count of others${why}`), async () => {
    const counter = await opened()
    // By its clock the day ends five minutes sooner.
    expect(await counter.takeCall({ windows: [{ ...day, max: 1 }], now: now + 300 })).toEqual([])
    const client = await createClient({ url }).connect()
    const [held = ''] = await keys(`{${tests}:${number}}:*`)
    expect(await client.pTTL(held)).toBeGreaterThan(86_400_000)
    await client.close()
  })

  on(verifies('DEL-39', `a count of a grant goes on when its end is set anew, however far${why}`), async () => {
    const counter = await opened()
    const grant = { key: 'grant', max: 1, ends: Number.MAX_SAFE_INTEGER }
    expect(await counter.takeCall({ windows: [grant], now })).toEqual([])
    const sooner = { ...grant, ends: now + 5 }
    expect(await counter.takeCall({ windows: [sooner], now })).toEqual([sooner])
  })

  test(verifies('DEL-38', 'without Redis no call is counted in one instance alone'), async () => {
    const wire = await openWire()
    const counter = await redisCounter({ url: wire.url, deadline: 0.3 })
    wire.silent = true
    expect((await counter.take('a', hour)).within).toBe(true)
    await expect(counter.takeCall({ windows: [minute], now })).rejects.toThrow(/./)
    await counter.close()
    await wire.stop()
  })
})
