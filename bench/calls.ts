import { redisCounter } from '@countersign/redis/resource'
import { memoryCounter } from '@countersign/resource'
import { heldBytes } from '@countersign/testing/held-bytes'
import { createClient } from 'redis'
import { type Result, result } from './result.js'

const million = 1_000_000
const now = 1_800_000_000

type Takes = Pick<ReturnType<typeof memoryCounter>, 'takeCall'>

/** Counts one call for each caller, of a hundred sites, in the window of its day. */
async function count(counter: Takes, from: number, callers: number): Promise<void> {
  for (let i = from; i < from + callers; i++)
    await counter.takeCall({
      windows: [{ key: `caller ${i.toString(36).padStart(43, '_')}`, max: 1000, ends: now + 86_400 }],
      now,
      site: `site${i % 100}.example`,
    })
}

/** Microseconds for a call of a caller that is known. */
async function microseconds(counter: Takes, callers: number, calls: number): Promise<number> {
  const start = performance.now()
  for (let i = 0; i < calls; i++) await count(counter, (i * 7919) % callers, 1)
  return ((performance.now() - start) * 1000) / calls
}

/** Bytes and time of counted calls at a million live windows, in memory and, where one answers, in Redis. */
export async function callRows(): Promise<readonly Result[]> {
  await count(memoryCounter({ callCapacity: 2 * million }), 0, 50_000)
  const before = heldBytes()
  const counter = memoryCounter({ callCapacity: 2 * million })
  await count(counter, 0, million)
  const bytes = (heldBytes() - before) / million
  const time = await microseconds(counter, million, 20_000)
  const inRedis = await shared()
  const detail = `of a call in memory; ${time.toFixed(1)} µs at 1 M windows`
  return [
    result({
      id: 'calls, bytes per window',
      inFlight: 1,
      ratio: bytes,
      budget: 48,
      detail: 'bytes at 1 M live windows, in memory',
    }),
    result({ id: 'calls, time in memory', inFlight: 1, ratio: 1, detail }),
    ...(inRedis === undefined
      ? []
      : [
          result({
            id: 'calls, bytes per window in Redis',
            inFlight: 1,
            ratio: inRedis.bytes,
            detail: 'bytes at 1 M live windows, by used_memory',
          }),
          result({
            id: 'calls, time in Redis',
            inFlight: 1,
            ratio: inRedis.time / time,
            detail: `of a call in memory; ${inRedis.time.toFixed(0)} µs at 1 M windows`,
          }),
        ]),
  ]
}

/** Bytes and time of counted calls in Redis; undefined where none answers. */
async function shared(): Promise<{ readonly bytes: number; readonly time: number } | undefined> {
  const url = process.env['COUNTERSIGN_REDIS'] ?? 'redis://127.0.0.1:6379'
  const prefix = `countersign-bench-${process.pid}`
  const counter = await redisCounter({ url, prefix, deadline: 60 }).catch(unlessAway)
  if (counter === undefined) return undefined
  const client = await createClient({ url }).connect()
  try {
    const before = await usedMemory(client)
    // Many at once: one after the other, a million round trips would take ten minutes.
    for (let from = 0; from < million; from += 2000)
      await Promise.all(Array.from({ length: 2000 }, (_, i) => count(counter, from + i, 1)))
    const bytes = ((await usedMemory(client)) - before) / million
    return { bytes, time: await microseconds(counter, million, 2000) }
  } finally {
    for await (const keys of client.scanIterator({ MATCH: `*${prefix}*`, COUNT: 10_000 }))
      if (keys.length > 0) await client.unlink(keys)
    await client.close()
    await counter.close()
  }
}

function unlessAway(error: unknown): undefined {
  if (!(error instanceof Error && error.name === 'RedisError')) throw error
}

type Client = Pick<ReturnType<typeof createClient>, 'info'>

async function usedMemory(client: Client): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
}
