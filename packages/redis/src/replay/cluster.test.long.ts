import type { ReplayEntry } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { requireRig, rigAway } from '@countersign/testing/rig/program'
import { type RedisCluster, startRedisCluster } from '@countersign/testing/rig/redis-cluster'
import { stopsAfterTests } from '@countersign/testing/stops'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { RedisError, type RedisReplaySet, redisReplaySet } from '../index.js'

// A replay set in a Redis Cluster, whose nodes are lost.

requireRig('redis-server')
const away = rigAway('redis-server')
const on = away === '' ? test : test.skip

let cluster: RedisCluster
const stops = stopsAfterTests()
const sets: RedisReplaySet[] = []

beforeAll(async () => {
  if (away !== '') return
  cluster = await startRedisCluster({ replicas: 1 })
  stops.push(() => cluster.stop())
})

afterEach(async () => {
  for (const set of sets.splice(0)) await set.close()
})

let made = 0
const newPrefix = (): string => `replay${made++}`

async function opened(prefix: string, url = cluster.url): Promise<RedisReplaySet> {
  const set = await redisReplaySet({ url, prefix, deadline: 5 })
  sets.push(set)
  await set.ready()
  return set
}

let named = 0
const entry = (more: Partial<ReplayEntry> = {}): ReplayEntry => ({
  authority: 'calendar.example',
  thumbprint: 'kPrK',
  base: `request ${named++}`,
  created: Math.floor(Date.now() / 1000) + 1,
  partition: 'identified',
  principal: 'https://agent.example',
  ...more,
})

const code = (error: unknown): string => (error instanceof RedisError ? error.code : String(error))

/** Seconds until all of some requests are judged again. */
async function recovery(set: RedisReplaySet): Promise<number> {
  const from = performance.now()
  for (;;) {
    const answers = await Promise.allSettled(Array.from({ length: 64 }, () => set.check(entry())))
    const seconds = (performance.now() - from) / 1000
    if (answers.every(({ status }) => status === 'fulfilled') || seconds > 60) return seconds
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

on(
  verifies('F-37', `of one request at two instances at once one passes, and all nodes have a part of them${away}`),
  async () => {
    const prefix = newPrefix()
    const [one, other] = [await opened(prefix), await opened(prefix, `${cluster.nodes[2]?.url}?cluster=true`)]
    const entries = Array.from({ length: 200 }, () => entry())
    const verdicts = await Promise.all(entries.flatMap(each => [one.check(each), other.check(each)]))
    expect(verdicts.filter(verdict => verdict === 'fresh')).toHaveLength(200)
    expect(verdicts.filter(verdict => verdict === 'replayed')).toHaveLength(200)
    expect(await one.seen(entries[7] ?? entry())).toBe(true)
    expect(await one.seen(entry())).toBe(false)
    const use = { issuer: 'https://auth.example', jti: 'a', iat: Math.floor(Date.now() / 1000) + 1 }
    const share = { partition: 'authorized', principal: 'https://agent.example' } as const
    expect(await one.takeToken({ ...use, ...share })).toBe('fresh')
    expect(await other.takeToken({ ...use, ...share })).toBe('replayed')
    for (const node of cluster.nodes.slice(0, 3))
      expect((await node.send('KEYS', `{${prefix}:*`)) as string[], 'each master has some').not.toEqual([])
  },
)

on(`a principal has its share in a cluster, within a tenth${away}`, async () => {
  const set = await redisReplaySet({ url: cluster.url, prefix: newPrefix(), deadline: 5, share: 16_000 })
  sets.push(set)
  await set.ready()
  let fresh = 0
  for (let round = 0; round < 90; round++) {
    const verdicts = await Promise.all(Array.from({ length: 200 }, () => set.check(entry())))
    fresh += verdicts.filter(verdict => verdict === 'fresh').length
  }
  expect(fresh).toBeGreaterThan(14_400)
  expect(fresh).toBeLessThanOrEqual(16_000)
  expect(await set.check(entry({ principal: 'https://other.example' }))).toBe('fresh')
})

on(`a small share is exact in a cluster, too${away}`, async () => {
  const set = await redisReplaySet({ url: cluster.url, prefix: newPrefix(), deadline: 5, share: 3 })
  sets.push(set)
  await set.ready()
  const verdicts: string[] = []
  for (let i = 0; i < 4; i++) verdicts.push(await set.check(entry()))
  expect(verdicts).toEqual(['fresh', 'fresh', 'fresh', 'full'])
})

on(`a request whose slot moves is refused or judged, and never passes twice${away}`, async () => {
  const prefix = newPrefix()
  const set = await opened(prefix)
  const [from, to] = cluster.nodes
  if (from === undefined || to === undefined) throw new Error('there are three')
  const slotIn = async (): Promise<string> => {
    for (const part of Array.from({ length: 16 }, (_, index) => `{${prefix}:${index}}`))
      if ((await cluster.masterOf(part)) === from) return String(await from.send('CLUSTER', 'KEYSLOT', part))
    throw new Error('the first node has no part')
  }
  const slot = await slotIn()
  const before = Array.from({ length: 100 }, () => entry())
  for (const each of before) expect(await set.check(each)).toBe('fresh')
  const [source, target] = [String(await from.send('CLUSTER', 'MYID')), String(await to.send('CLUSTER', 'MYID'))]
  await to.send('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source)
  await from.send('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target)
  const replayed = async (): Promise<void> => {
    const verdicts = await Promise.allSettled(before.map(each => set.check(each)))
    for (const verdict of verdicts)
      if (verdict.status === 'fulfilled') expect(['replayed', 'early']).toContain(verdict.value)
      else expect(code(verdict.reason)).toBe('unavailable')
  }
  await replayed()
  for (;;) {
    const keys = (await from.send('CLUSTER', 'GETKEYSINSLOT', slot, '1')) as string[]
    if (keys.length === 0) break
    await from.send('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys)
    await replayed()
  }
  for (const node of [to, from]) await node.send('CLUSTER', 'SETSLOT', slot, 'NODE', target)
  await replayed()
  expect(await recovery(set)).toBeLessThan(5)
  expect(await set.check(entry({ created: Math.floor(Date.now() / 1000) + 2 }))).toBe('fresh')
})

describe('while a node is lost', () => {
  on(verifies('F-24', `requests of its slots are refused within the deadline, and others judged${away}`), async () => {
    const prefix = newPrefix()
    const set = await opened(prefix)
    const lost = await cluster.masterOf(`{${prefix}:0}`)
    lost.pause()
    const from = performance.now()
    const answers = await Promise.allSettled(Array.from({ length: 64 }, () => set.check(entry())))
    expect((performance.now() - from) / 1000).toBeLessThan(10)
    expect(answers.some(({ status }) => status === 'fulfilled')).toBe(true)
    for (const answer of answers)
      if (answer.status === 'rejected') expect(['timeout', 'unavailable']).toContain(code(answer.reason))
    lost.resume()
    await cluster.well()
    expect(await recovery(set)).toBeLessThan(5)
  })

  on(verifies('F-25', `its replica takes over, and what was judged before does not pass again${away}`), async () => {
    const prefix = newPrefix()
    const set = await opened(prefix)
    const before = Array.from({ length: 64 }, () => entry({ created: Math.floor(Date.now() / 1000) }))
    await Promise.all(before.map(each => set.check(each)))
    const lost = await cluster.masterOf(`{${prefix}:0}`)
    await lost.kill()
    await expect.poll(async () => (await cluster.masterOf(`{${prefix}:0}`)) !== lost, { timeout: 60_000 }).toBe(true)
    await cluster.well()
    expect(await recovery(set)).toBeLessThan(5)
    for (const verdict of await Promise.all(before.map(each => set.check(each))))
      expect(['replayed', 'early']).toContain(verdict)
    await lost.start()
    await cluster.well()
  })
})

on(verifies('F-29', `a cluster with one node that evicts is refused at the start${away}`), async () => {
  const replica = cluster.nodes[5]
  await replica?.send('CONFIG', 'SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru')
  await expect(redisReplaySet({ url: cluster.url, prefix: newPrefix(), deadline: 5 })).rejects.toMatchObject({
    code: 'evicting',
  })
  await replica?.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  await opened(newPrefix())
})

on(`one node of a cluster as if it were alone is refused, and so is a client of a cluster${away}`, async () => {
  const url = cluster.nodes[0]?.url ?? ''
  const elsewhere = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(async prefix => redisReplaySet({ url, prefix }))
  const refusals = (await Promise.allSettled(elsewhere)).filter(({ status }) => status === 'rejected')
  expect(refusals).not.toEqual([])
  for (const refusal of refusals) expect(String(Object(refusal).reason)).toContain('it is a node of a Redis Cluster')
  await Promise.allSettled(elsewhere.map(async set => (await set).close()))
  const { createCluster } = await import('redis')
  const client = createCluster({ rootNodes: [{ url }] })
  await expect(redisReplaySet({ client: client as never })).rejects.toThrow('for a Redis Cluster give url')
})

on(
  verifies('F-25', `a replica that takes over begins all of its parts at once, by one request that failed${away}`),
  async () => {
    const prefix = newPrefix()
    const set = await opened(prefix)
    const lost = await cluster.masterOf(`{${prefix}:0}`)
    await lost.kill()
    // Until the first refusal nothing tells the set that a node is lost.
    const one = async (): Promise<string> => set.check(entry()).catch(code)
    while ((await one()) === 'fresh') await new Promise(resolve => setTimeout(resolve, 20))
    await expect.poll(async () => (await cluster.masterOf(`{${prefix}:0}`)) !== lost, { timeout: 60_000 }).toBe(true)
    await cluster.well()
    // A look a second, and the second in which its parts begin.
    await new Promise(resolve => setTimeout(resolve, 3000))
    const verdicts = await Promise.all(
      Array.from({ length: 64 }, () => set.check(entry({ created: Math.floor(Date.now() / 1000) }))),
    )
    expect(verdicts.filter(verdict => verdict !== 'fresh')).toEqual([])
    await lost.start()
    await cluster.well()
  },
)
