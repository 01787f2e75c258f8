import { connect } from 'node:net'
import { verifies } from '@countersign/requirements'
import { createClient } from 'redis'
import { afterAll, afterEach, expect, test } from 'vitest'
import { type RedisRevocationSet, redisRevocationSet } from '../redis.js'
import type { GrantName } from './revocation-set.js'

const url = process.env['COUNTERSIGN_REDIS'] ?? 'redis://127.0.0.1:6379'
const there = await new Promise<boolean>(resolve => {
  const socket = connect(Number(new URL(url).port || 6379), '127.0.0.1')
  socket.once('connect', () => resolve(socket.destroy().destroyed)).once('error', () => resolve(false))
})
const required = (process.env['COUNTERSIGN_REQUIRE'] ?? '').split(',').includes('redis')
const on = there ? test : test.skip
const why = there ? '' : ' (skipped: no Redis on this machine at port 6379; start one, or set COUNTERSIGN_REDIS)'

const prefix = `countersign-test:${process.pid}:${Math.random().toString(36).slice(2)}`
const open: RedisRevocationSet[] = []
let number = 0

async function opened(options: { readonly capacity?: number; readonly now?: () => number } = {}) {
  const set = await redisRevocationSet({ url, prefix: `${prefix}:${number}`, ...options })
  open.push(set)
  return set
}

afterEach(async () => {
  for (const set of open.splice(0)) await set.close()
  number++
})

afterAll(async () => {
  if (!there) return
  const client = await createClient({ url }).connect()
  for await (const keys of client.scanIterator({ MATCH: `{${prefix}:*`, COUNT: 1000 }))
    if (keys.length > 0) await client.del(keys)
  await client.close()
})

const issuer = 'https://auth.example'
const exp = (): number => Date.now() / 1000 + 600

test('the Redis that CI requires is there', () => {
  expect(there || !required).toBe(true)
})

on(verifies('revocation.refused', `a revocation holds at every instance, and after a restart${why}`), async () => {
  const [one, two] = [await opened(), await opened()]
  expect(await two.has({ issuer, grant: 'a' })).toBe(false)
  expect(await one.add({ issuer, grant: 'a', exp: exp() })).toBe('kept')
  expect([await two.has({ issuer, grant: 'a' }), await two.has({ issuer, grant: 'b' })]).toEqual([true, false])
  expect(await two.has({ issuer: 'https://other.example', grant: 'a' })).toBe(false)
  expect(await (await opened()).has({ issuer, grant: 'a' })).toBe(true)
  expect([two.since, (await opened()).since], 'the set is as old as its Redis, not as its instances').toEqual([
    one.since,
    one.since,
  ])
})

on(verifies('revocation.streams', `an instance hears within a second what another was told${why}`), async () => {
  const [one, two] = [await opened(), await opened()]
  const heard: Array<GrantName | 'unknown'> = []
  two.watch(revoked => heard.push(revoked))
  await new Promise(resolve => setTimeout(resolve, 200))
  await one.add({ issuer, grant: 'a', exp: exp() })
  await one.add({ issuer, grant: 'b', exp: exp() })
  await expect.poll(() => heard.length, { timeout: 1000 }).toBe(2)
  expect(heard).toEqual([
    { issuer, grant: 'a' },
    { issuer, grant: 'b' },
  ])
  expect([two.hasHeard({ issuer, grant: 'a' }), two.hasHeard({ issuer, grant: 'c' })]).toEqual([true, false])
})

on(verifies('revocation.bounded', `the share of an issuer is fixed; what has ended makes room${why}`), async () => {
  let now = Date.now() / 1000
  const set = await opened({ capacity: 2, now: () => now })
  const add = (grant: string, by = issuer) => set.add({ issuer: by, grant, exp: now + 10 })
  expect([await add('a'), await add('b'), await add('c'), await add('a')]).toEqual(['kept', 'kept', 'full', 'kept'])
  expect(await add('c', 'https://other.example')).toBe('kept')
  expect(await set.has({ issuer, grant: 'a' })).toBe(true)
  now += 71
  expect(await set.has({ issuer, grant: 'a' })).toBe(false)
  expect(await add('c')).toBe('kept')
})

on(`a later end replaces an earlier one, never the reverse${why}`, async () => {
  let now = Date.now() / 1000
  const set = await opened({ now: () => now })
  await set.add({ issuer, grant: 'a', exp: now + 100 })
  await set.add({ issuer, grant: 'a', exp: now + 10 })
  now += 120
  expect(await set.has({ issuer, grant: 'a' })).toBe(true)
})
