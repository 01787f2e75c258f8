import { createClient } from 'redis'
import { afterAll, expect, test } from 'vitest'
import { listens, required } from './services.js'

/** A Redis on this machine that the tests of one file may write to. */
export interface RedisForTests {
  readonly url: string
  /** Empty, or the words that tell in a test's title why it is skipped. */
  readonly away: string
  /** Begins the keys of this file. They are deleted after its tests. */
  readonly prefix: string
  /** The keys that match a Redis pattern. */
  keys(pattern: string): Promise<string[]>
}

/** Where Redis is expected: `COUNTERSIGN_REDIS`, or port 6379 of this machine. */
export const redisUrl: string = process.env['COUNTERSIGN_REDIS'] ?? 'redis://127.0.0.1:6379'

/** Looks for Redis, and declares the test that fails where Redis is required and does not answer. */
export async function redisForTests(): Promise<RedisForTests> {
  const url = redisUrl
  const isThere = await listens(Number(new URL(url).port || 6379))
  const prefix = `countersign-test:${process.pid}:${Math.random().toString(36).slice(2)}`
  const keys: RedisForTests['keys'] = async pattern => {
    const client = await createClient({ url }).connect()
    const found: string[] = []
    for await (const some of client.scanIterator({ MATCH: pattern, COUNT: 1000 })) found.push(...some)
    await client.close()
    return found
  }
  afterAll(async () => {
    if (!isThere) return
    const ours = await keys(`{${prefix}:*`)
    const client = await createClient({ url }).connect()
    if (ours.length > 0) await client.del(ours)
    await client.close()
  })
  test('Redis answers where it is required', () => {
    expect(isThere || !required('redis')).toBe(true)
  })
  const away = isThere ? '' : ' (skipped: no Redis on this machine at port 6379; start one, or set COUNTERSIGN_REDIS)'
  return { url, away, prefix, keys }
}

/**
 * Lets time pass for the sets of a Redis, as if their marks were made so many seconds earlier. Nothing sets the clock of Redis itself.
 * @param o.prefix what their keys begin with
 */
export async function ageSets(o: {
  readonly url: string
  readonly prefix: string
  readonly seconds: number
}): Promise<void> {
  const client = await createClient({ url: o.url }).connect()
  for await (const keys of client.scanIterator({ MATCH: `{${o.prefix}*since`, COUNT: 1000 }))
    for (const key of keys) await client.hIncrByFloat(key, 'start', -o.seconds)
  await client.close()
}
