import { connect } from 'node:net'
import { verifies } from '@countersign/requirements'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RedisCounter, redisCounter } from '../redis.js'

const url = process.env['COUNTERSIGN_REDIS'] ?? 'redis://127.0.0.1:6379'
const there = await new Promise<boolean>(resolve => {
  const socket = connect(Number(new URL(url).port || 6379), '127.0.0.1')
  socket.once('connect', () => resolve(socket.destroy().destroyed)).once('error', () => resolve(false))
})
const required = (process.env['COUNTERSIGN_REQUIRE'] ?? '').split(',').includes('redis')
const on = there ? test : test.skip
const why = there ? '' : ' (skipped: no Redis on this machine at port 6379; start one, or set COUNTERSIGN_REDIS)'

const tests = `countersign-test:${process.pid}:${Math.random().toString(36).slice(2)}`
const open: RedisCounter[] = []
let number = 0

async function opened(): Promise<RedisCounter> {
  const counter = await redisCounter({ url, prefix: `${tests}:${number}` })
  open.push(counter)
  return counter
}

async function keys(pattern: string): Promise<string[]> {
  const client = await createClient({ url }).connect()
  const found: string[] = []
  for await (const some of client.scanIterator({ MATCH: pattern, COUNT: 1000 })) found.push(...some)
  await client.close()
  return found
}

const sleep = (seconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, seconds * 1000))
const hour = { count: 2, seconds: 3600 }

afterEach(async () => {
  for (const counter of open.splice(0)) await counter.close()
  number++
})

afterAll(async () => {
  if (!there) return
  const ours = await keys(`{${tests}:*`)
  const client = await createClient({ url }).connect()
  if (ours.length > 0) await client.del(ours)
  await client.close()
})

test('the Redis that CI requires is there', () => {
  expect(there || !required).toBe(true)
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
  verifies('sig.replay.costs-nothing', `what is given back is counted no more, and nothing is below zero${why}`),
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

on(verifies('RAT-08', 'LOG-10', `keys name nobody, are apart, and end with their window${why}`), async () => {
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

  test(verifies('F-28', 'one that hangs costs the deadline, once and not every request'), async () => {
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

  test(verifies('F-29', 'one that may forget counts, or is not there, is refused at the start'), async () => {
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
