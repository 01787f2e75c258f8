import { verifies } from '@countersign/requirements'
import type { GrantName } from '@countersign/resource'
import { ageSets, redisForTests } from '@countersign/testing/redis'
import { createClient } from 'redis'
import { afterEach, expect, test } from 'vitest'
import { type RedisRevocationSet, redisRevocationSet } from '../resource.js'

const { url, away: why, prefix, keys } = await redisForTests()
const on = test.skipIf(why !== '')

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

/** As if so much time had passed for the sets of this test. */
const age = (seconds: number): Promise<void> => ageSets({ url, prefix: `${prefix}:${number}`, seconds })

const issuer = 'https://auth.example'
const exp = (): number => Date.now() / 1000 + 600

on(verifies('revocation.refused', `a revocation holds at every instance, and after a restart${why}`), async () => {
  const [one, two] = [await opened(), await opened()]
  expect(await two.has({ issuer, grant: 'a' })).toBe(false)
  expect(await one.add({ issuer, grant: 'a', exp: exp() })).toBe('kept')
  expect([await two.has({ issuer, grant: 'a' }), await two.has({ issuer, grant: 'b' })]).toEqual([true, false])
  expect(await two.has({ issuer: 'https://other.example', grant: 'a' })).toBe(false)
  expect(await (await opened()).has({ issuer, grant: 'a' })).toBe(true)
  await age(100)
  expect((await opened()).since, 'the set is as old as its Redis, not as its instances').toBeCloseTo(
    Date.now() / 1000 - 100,
    -1,
  )
  await two.ready()
  expect(two.since, 'a clock of Redis that is set makes it no older for those who know').toBeGreaterThan(
    Date.now() / 1000 - 50,
  )
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
  const set = await opened({ capacity: 2 })
  // The last token of each has expired 59 s ago.
  const add = (grant: string, by = issuer) => set.add({ issuer: by, grant, exp: Math.ceil(Date.now() / 1000) - 59 })
  expect([await add('a'), await add('b'), await add('c'), await add('a')]).toEqual(['kept', 'kept', 'full', 'kept'])
  expect(await add('c', 'https://other.example')).toBe('kept')
  expect(await set.has({ issuer, grant: 'a' })).toBe(true)
  await new Promise(resolve => setTimeout(resolve, 2200))
  expect(await add('c')).toBe('kept')
  expect([await set.has({ issuer, grant: 'a' }), await set.has({ issuer, grant: 'c' })]).toEqual([false, true])
})

on(`a later end replaces an earlier one, never the reverse${why}`, async () => {
  const set = await opened({ capacity: 1 })
  const now = Date.now() / 1000
  await set.add({ issuer, grant: 'a', exp: now + 100 })
  await set.add({ issuer, grant: 'a', exp: now - 100 })
  expect(await set.add({ issuer, grant: 'b', exp: now + 100 })).toBe('full')
  expect(await set.has({ issuer, grant: 'a' })).toBe(true)
})

for (const offset of [300, -300])
  on(
    verifies('F-83', `where Redis loses all, an instance whose clock is ${offset} s off changes no other${why}`),
    async () => {
      const [wrong, right] = [await opened({ now: () => Date.now() / 1000 + offset }), await opened()]
      await age(3600)
      await right.ready()
      const client = await createClient({ url }).connect()
      await client.del(await keys(`{${prefix}:${number}}:*`))
      await client.close()
      const lost = Date.now() / 1000
      // The one that is wrong is the first to see it.
      for (const set of [wrong, right]) expect(await set.has({ issuer, grant: 'a' })).toBe(false)
      expect(right.since, 'what was revoked before stays so').toBeGreaterThanOrEqual(lost - 0.01)
      expect(right.since, 'and it is over at once').toBeLessThan(lost + 2)
      expect(wrong.since - offset).toBeCloseTo(right.since, 0)
    },
  )

on(verifies('F-83', 'revocation.unseen', `a clock that is ahead makes no room for itself${why}`), async () => {
  const [ahead, right] = [await opened({ now: () => Date.now() / 1000 + 300 }), await opened()]
  await right.add({ issuer, grant: 'a', exp: Date.now() / 1000 + 60 })
  await ahead.add({ issuer, grant: 'b', exp: Date.now() / 1000 + 600 })
  expect([await right.has({ issuer, grant: 'a' }), await ahead.has({ issuer, grant: 'a' })]).toEqual([true, true])
})

on(
  verifies('F-83', `where the clock of Redis was ahead and is set back, the set begins anew at once${why}`),
  async () => {
    const set = await opened()
    const began = set.since
    // The mark is in the future, for 300 s.
    await age(-300)
    await set.ready()
    expect(set.since).toBeGreaterThan(began)
    expect(set.since).toBeLessThan(Date.now() / 1000 + 1)
  },
)

on(verifies('revocation.streams', `an instance that only listens hears that Redis has lost all${why}`), async () => {
  const [one, two] = [await opened(), await opened()]
  const heard: unknown[] = []
  two.watch(revoked => heard.push(revoked))
  await new Promise(resolve => setTimeout(resolve, 200))
  await one.add({ issuer, grant: 'a', exp: exp() })
  await expect.poll(() => heard, { timeout: 3000 }).toEqual([{ issuer, grant: 'a' }])
  const client = await createClient({ url }).connect()
  await client.del(await keys(`{${prefix}:${number}}:*`))
  // Its log goes on by a clock that is behind.
  await client.xAdd(`{${prefix}:${number}}:log`, '1-1', { issuer, grant: 'b' })
  await client.close()
  await expect.poll(() => heard.slice(-2), { timeout: 3000 }).toEqual(['unknown', { issuer, grant: 'b' }])
})
