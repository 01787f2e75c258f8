import { verifies } from '@countersign/requirements'
import { requireRig, rigAway } from '@countersign/testing/rig/program'
import { type RedisCluster, startRedisCluster } from '@countersign/testing/rig/redis-cluster'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { redisCounter, redisRevocationSet } from '../resource.js'

// Counters and revocations in a Redis Cluster, whose nodes are lost.

requireRig('redis-server')
const away = rigAway('redis-server')
const on = away === '' ? test : test.skip

let cluster: RedisCluster | undefined
const open: Array<{ close(): Promise<void> }> = []
let number = 0

beforeAll(async () => {
  if (away === '') cluster = await startRedisCluster()
})

afterAll(async () => cluster?.stop())

afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
  number++
})

function opened<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one)
  return one
}

/** Nodes, and a URL with the prefix of this test. */
function place() {
  if (cluster === undefined) throw new Error('there is no cluster')
  return { cluster, url: cluster.url, prefix: `test${number}`, deadline: 5 }
}

const hour = { count: 2, seconds: 3600 }
const issuer = 'https://auth.example'

on(verifies('RAT-01', `instances count together in a cluster, each count on the node of its slot${away}`), async () => {
  const { cluster, ...options } = place()
  const [one, two] = [opened(await redisCounter(options)), opened(await redisCounter(options))]
  for (let caller = 0; caller < 60; caller++) {
    const key = `caller ${caller}`
    expect((await one.take(key, hour)).within).toBe(true)
    expect((await two.take(key, hour)).within).toBe(true)
    expect((await one.take(key, hour)).within).toBe(false)
    await two.giveBack?.(key, hour)
    await two.giveBack?.(key, hour)
    expect((await one.take(key, hour)).within).toBe(true)
  }
  for (const node of cluster.nodes) expect(await node.send('DBSIZE')).toBeGreaterThan(5)
})

on(`all windows of a call count in one step in a cluster${away}`, async () => {
  const { cluster: _, ...options } = place()
  const counters = [opened(await redisCounter(options)), opened(await redisCounter(options))]
  const now = Date.now() / 1000
  const windows = [
    { key: 'minute', max: 3, ends: now + 60 },
    { key: 'day', max: 5, ends: now + 86_400 },
  ]
  const used = await Promise.all(Array.from({ length: 20 }, (_, i) => counters[i % 2]?.takeCall({ windows, now })))
  expect(used.filter(each => each?.length === 0)).toHaveLength(3)
  expect(await counters[0]?.takeCall({ windows: windows.slice(1), now })).toEqual([])
  expect(await counters[1]?.takeCall({ windows: windows.slice(1), now, only: 'look' })).toEqual([])
  expect(await counters[1]?.takeCall({ windows: windows.slice(1), now })).toEqual([])
  expect(await counters[1]?.takeCall({ windows: windows.slice(1), now, only: 'look' })).toEqual([windows[1]])
})

on(
  verifies('revocation.refused', `a revocation holds at every instance of a cluster, and is heard${away}`),
  async () => {
    const { cluster: _, ...options } = place()
    const [one, two] = [opened(await redisRevocationSet(options)), opened(await redisRevocationSet(options))]
    const heard: unknown[] = []
    two.watch(grant => heard.push(grant))
    await new Promise(resolve => setTimeout(resolve, 600))
    expect(await one.add({ issuer, grant: 'a', exp: Date.now() / 1000 + 600 })).toBe('kept')
    expect(await two.has({ issuer, grant: 'a' })).toBe(true)
    expect(await two.has({ issuer, grant: 'b' })).toBe(false)
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual([{ issuer, grant: 'a' }])
  },
)

on(
  `without the node of its slot a count is local, a revocation unknown, and both are back within 5 seconds${away}`,
  async () => {
    const { cluster, ...options } = place()
    const changes: string[] = []
    const counter = opened(await redisCounter({ ...options, onChange: to => changes.push(to) }))
    const set = opened(await redisRevocationSet(options))
    const lost = await cluster.masterOf(`{${options.prefix}}`)
    await lost.kill()
    await expect(set.has({ issuer, grant: 'a' })).rejects.toMatchObject({ name: 'RedisError', transient: true })
    for (let caller = 0; caller < 30; caller++) expect((await counter.take(`caller ${caller}`, hour)).within).toBe(true)
    expect(changes[0]).toBe('local')
    await lost.start()
    await cluster.well()
    await expect.poll(async () => set.has({ issuer, grant: 'a' }).catch(() => 'away'), { timeout: 5000 }).toBe(false)
    const answers = async () => {
      for (let caller = 0; caller < 30; caller++) await counter.take(`caller ${caller}`, hour)
      return changes.at(-1)
    }
    await expect.poll(answers, { timeout: 5000 }).toBe('shared')
  },
)
