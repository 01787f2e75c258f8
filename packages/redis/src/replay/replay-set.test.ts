import type { ReplayEntry } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { ageSets, redisForTests } from '@countersign/testing/redis'
import { hasServer, startServer, stopServer } from '@countersign/testing/redis-stand-in'
import { entriesAt, expectIdentity, expectSeen } from '@countersign/testing/replay-set'
import { required } from '@countersign/testing/services'
import { createClient } from 'redis'
import { afterEach, describe, expect, test } from 'vitest'
import { type RedisReplaySet, type RedisReplaySetOptions, redisReplaySet } from '../index.js'

const { url, away: why, prefix: tests, keys } = await redisForTests()
const on = test.skipIf(why !== '')
const withServer = hasServer ? test : test.skip
const whyServer = hasServer ? '' : ' (skipped: no redis-server in PATH)'

// Real time passes in Redis, so entries are as old as the machine's clock says.
const start = Math.floor(Date.now() / 1000) + 1000
const open: RedisReplaySet[] = []
let number = 0

async function opened(options: RedisReplaySetOptions = {}): Promise<RedisReplaySet> {
  const set = await redisReplaySet({
    ...(options.client === undefined ? { url } : {}),
    prefix: `${tests}:${number}`,
    now: () => start,
    ...options,
  })
  open.push(set)
  return set
}

const entry = entriesAt(start)

/** As if so much time had passed for the sets of this test. */
const age = (seconds: number): Promise<void> => ageSets({ url, prefix: `${tests}:${number}`, seconds })

const sleep = (seconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, seconds * 1000))

afterEach(async () => {
  for (const set of open.splice(0)) await set.close()
  number++
})

test('redis-server is installed when Redis is required', () => {
  expect(hasServer || !required('redis')).toBe(true)
})

on(verifies('NON-12', 'F-37', `a request at two instances at once passes at one of them${why}`), async () => {
  const instances = [await opened(), await opened()]
  for (let round = 0; round < 20; round++) {
    const same = entry({ base: String(round) })
    const seen = await Promise.all(instances.flatMap(set => [set.check(same), set.check(same)]))
    expect(seen.toSorted((a, b) => a.localeCompare(b))).toEqual(['fresh', 'replayed', 'replayed', 'replayed'])
  }
})

on(`authority, key and base make the difference, and nothing else${why}`, async () => {
  const set = await opened()
  await expectIdentity(set, entry)
})

on(`whether a request is remembered can be asked at any instance, which remembers nothing${why}`, async () => {
  const [one, other] = [await opened({ capacity: 2, share: 2 }), await opened({ capacity: 2, share: 2 })]
  await expectSeen({ check: one.check, seen: other.seen }, entry)
})

on(`keys contain no names, and only those of the epochs of requests and tokens are permanent${why}`, async () => {
  const set = await opened()
  await set.check(entry())
  const held = await keys(`{${tests}:${number}}:*`)
  expect(held).toHaveLength(4)
  for (const key of held) expect(key).not.toMatch(/calendar|agent\.example|kPrK|POST/)
  const client = await createClient({ url }).connect()
  for (const key of held) expect((await client.ttl(key)) > 0, key).toBe(!/:(?:token-)?since$/.test(key))
  await client.close()
})

on(`room is divided by partition and by principal, and what was refused was not remembered${why}`, async () => {
  const set = await opened({ capacity: 5, share: 2 })
  const check = (base: string, change: Partial<ReplayEntry> = {}) => set.check(entry({ base, ...change }))
  expect(await check('1')).toBe('fresh')
  expect(await check('2')).toBe('fresh')
  expect(await check('3')).toBe('full')
  expect(await check('1')).toBe('replayed')
  expect(await check('3', { principal: 'b' })).toBe('fresh')
  expect(await check('5', { principal: 'c' })).toBe('fresh')
  expect(await check('5b', { principal: 'c' })).toBe('fresh')
  expect(await check('6', { principal: 'd' })).toBe('full')
  expect(await check('6', { principal: 'd', partition: 'authorized' })).toBe('fresh')
  expect(await check('7', { partition: 'authorized' })).toBe('fresh')
})

on(
  verifies('DOS-17', 'DOS-18', `a site takes a tenth, and the last tenth is for those who hold next to nothing${why}`),
  async () => {
    const set = await opened({ capacity: 100 })
    const check = (site: string, name = 0) =>
      set.check(entry({ base: `${round++}`, principal: `https://a${name}.${site}`, site }))
    const first = entry({ base: 'first', principal: 'https://a.evil0.example', site: 'evil0.example' })
    let round = 0
    expect(await set.check(first)).toBe('fresh')
    for (let site = 0; site < 9; site++) {
      const verdicts: string[] = []
      for (let name = 0; name < 20; name++) verdicts.push(await check(`evil${site}.example`, name))
      expect(verdicts.filter(verdict => verdict === 'fresh')).toHaveLength(site === 0 ? 9 : 10)
    }
    expect(await check('new.example')).toBe('fresh')
    expect(await check('new.example', 1)).toBe('full')
    expect(await check('other.example')).toBe('fresh')
    expect(await set.check(first)).toBe('replayed')
  },
)

on(`an entry lives the window and a second, and then there is room again${why}`, async () => {
  let from = Number.POSITIVE_INFINITY
  const now = (): number => start + Math.max(0, performance.now() - from) / 1000
  const set = await opened({ window: 1, share: 1, now })
  from = performance.now()
  expect(await set.check(entry())).toBe('fresh')
  await sleep(1.7)
  expect(await set.check(entry())).toBe('replayed')
  expect(await set.check(entry({ base: 'other', created: start + 1 }))).toBe('full')
  await sleep(0.6)
  expect(await set.check(entry({ base: 'other', created: start + 2 }))).toBe('fresh')
})

describe(verifies('sig.replay.clock', 'when the clock is set'), () => {
  on(`back does not make a forgotten request pass again${why}`, async () => {
    let now = start
    const set = await opened({ window: 1, now: () => now })
    expect(await set.check(entry())).toBe('fresh')
    await sleep(2.3)
    now = start + 2
    expect(await set.check(entry({ base: 'other', created: start + 2 }))).toBe('fresh')
    now = start + 0.5
    expect(await set.check(entry())).toBe('early')
    expect(await set.check(entry({ base: 'twin', created: start + 1 }))).toBe('fresh')
  })

  on(`ahead and back does not forget${why}`, async () => {
    let now = start
    const set = await opened({ now: () => now })
    expect(await set.check(entry())).toBe('fresh')
    now = start + 130
    expect(await set.check(entry({ base: 'at the leap', created: start + 130 }))).toBe('fresh')
    now = start
    expect(await set.check(entry())).toBe('replayed')
    expect(await set.check(entry({ base: 'twin', created: start + 1 }))).toBe('fresh')
  })

  on(`in Redis itself, so that entries expire too soon, leaves nothing that passes twice${why}`, async () => {
    const set = await opened()
    expect(await set.check(entry())).toBe('fresh')
    const client = await createClient({ url }).connect()
    await client.del(await keys(`{${tests}:${number}}:requests:*`))
    await client.close()
    expect(await set.check(entry())).toBe('early')
    expect(await set.check(entry({ base: 'twin', created: start + 1 }))).toBe('fresh')
  })
})

describe('after a restart of Redis', () => {
  on(`holds for a new set, and not for a process that finds one${why}`, async () => {
    const first = await opened()
    expect(await first.check(entry({ base: '1', created: start - 1 }))).toBe('early')
    expect(await first.check(entry({ base: '2', created: start + 6 }))).toBe('early')
    expect(await first.check(entry({ base: '3', created: start + 5 }))).toBe('fresh')
    await age(60)
    const second = await opened({ now: () => start + 60 })
    expect(await second.check(entry({ base: '3', created: start + 5 }))).toBe('replayed')
    expect(await second.check(entry({ base: '4', created: start }))).toBe('fresh')
  })

  on(
    verifies('sig.replay.early', `holds for half a window by the clock of Redis, which no instance sets${why}`),
    async () => {
      let now = start
      const set = await opened({ window: 0.4, now: () => now })
      now = start + 10
      expect(await set.check(entry({ created: now + 6 }))).toBe('early')
      await sleep(0.3)
      expect(await set.check(entry({ created: now + 6 }))).toBe('fresh')
    },
  )

  on(verifies('sig.replay.ready', `is over when a set says that it is ready${why}`), async () => {
    // The clock stands at 0.7 s until the first entry was refused, and again once the wait is over.
    let [at, runsFrom] = [start + 0.7, Number.NaN]
    const now = (): number => (Number.isNaN(runsFrom) ? at : at + (performance.now() - runsFrom) / 1000)
    const set = await opened({ now })
    expect(await set.check(entry())).toBe('early')
    runsFrom = performance.now()
    await set.ready()
    ;[at, runsFrom] = [now(), Number.NaN]
    expect(at).toBeGreaterThanOrEqual(start + 1)
    expect(await set.check(entry({ created: Math.floor(at) }))).toBe('fresh')
    const second = await opened({ now })
    // With a clock that stands still it would wait for ever.
    await second.ready()
  })

  on(`holds again once the data is gone${why}`, async () => {
    let now = start
    const set = await opened({ now: () => now })
    expect(await set.check(entry())).toBe('fresh')
    const client = await createClient({ url }).connect()
    await client.del(await keys(`{${tests}:${number}}:*`))
    await client.close()
    now = start + 10
    expect(await set.check(entry())).toBe('early')
    expect(await set.check(entry({ created: start + 10 }))).toBe('fresh')
    expect(await set.check(entry({ created: start + 10 }))).toBe('replayed')
  })

  for (const offset of [300, -300])
    on(
      verifies(
        'F-83',
        'sig.replay.shared-clock',
        `an instance whose clock is ${offset} s off neither shuts nor opens the others${why}`,
      ),
      async () => {
        const clock = (): number => Date.now() / 1000
        const [wrong, right] = [await opened({ now: () => clock() + offset }), await opened({ now: clock })]
        await age(60)
        const before = entry({ created: Math.floor(clock()) })
        expect([await right.check(before), await right.check(before)]).toEqual(['fresh', 'replayed'])
        const client = await createClient({ url }).connect()
        await client.del(await keys(`{${tests}:${number}}:*`))
        await client.close()
        // The one that is wrong is the first to see it.
        await wrong.ready()
        await wrong.check(entry({ base: 'by the wrong clock', created: Math.floor(clock()) + offset }))
        expect(await right.check(before), 'a replay').toBe('early')
        await right.ready()
        expect(await right.check(entry({ base: 'new', created: Math.floor(clock()) }))).toBe('fresh')
      },
    )

  on(verifies('F-83', `a request signed 300 s ahead, at an instance as far ahead, shuts no other${why}`), async () => {
    const clock = (): number => Date.now() / 1000
    const wrong = await opened({ window: 1, now: () => clock() + 300 })
    const right = await opened({ window: 1, now: clock })
    await age(60)
    const signed = entry({ base: 'ahead', created: Math.floor(clock()) + 300 })
    expect(await wrong.check(signed)).toBe('fresh')
    await sleep(2.3)
    // The one that is ahead believes that its window is over.
    expect(await wrong.check(entry({ base: 'more', created: Math.floor(clock()) + 300 }))).toBe('fresh')
    expect(await right.check(entry({ base: 'now', created: Math.floor(clock()) }))).toBe('fresh')
    expect(await right.check(signed)).toBe('replayed')
  })

  on(`holds again when the clock of Redis was ahead and is set back${why}`, async () => {
    const set = await opened()
    expect(await set.check(entry({ base: '1' }))).toBe('fresh')
    await age(-300)
    expect(await set.check(entry({ base: '2', created: start - 1 }))).toBe('early')
    expect(await set.check(entry({ base: '2', created: start + 1 }))).toBe('fresh')
  })

  for (const [how, notice] of [
    ['a request', (set: RedisReplaySet) => set.check(entry())],
    ['a look at its readiness', (set: RedisReplaySet) => set.ready()],
  ] as const) {
    on(`for tokens from the moment in which ${how} shows that the data is gone${why}`, async () => {
      let now = start
      const set = await opened({ now: () => now })
      expect(await set.check(entry({ base: 'before' }))).toBe('fresh')
      const client = await createClient({ url }).connect()
      await client.del(await keys(`{${tests}:${number}}:*`))
      await client.close()
      now = start + 10
      await notice(set)
      now = start + 20
      await age(10)
      const use = { issuer: 'https://auth.example', partition: 'authorized', principal: 'ada' } as const
      expect(await set.takeToken({ ...use, jti: 'old', iat: start + 9 })).toBe('early')
      expect(await set.takeToken({ ...use, jti: 'new', iat: start + 11 })).toBe('fresh')
      expect(await set.takeToken({ ...use, jti: 'new', iat: start + 11 })).toBe('replayed')
    })
  }
})

on(`a client of one's own is used and left open, and a forgotten script is no fault${why}`, async () => {
  const client = await createClient({ url }).connect()
  const set = await opened({ client })
  expect(await set.check(entry())).toBe('fresh')
  await client.sendCommand(['SCRIPT', 'FLUSH'])
  expect(await set.check(entry())).toBe('replayed')
  await set.close()
  expect(client.isReady).toBe(true)
  await client.close()
})

withServer(`an evicting Redis is refused, a full one lets nothing pass${whyServer}`, async () => {
  const port = await freePort()
  const own = `redis://127.0.0.1:${port}`
  const evicting = await startServer(port, '--maxmemory', '8mb', '--maxmemory-policy', 'allkeys-lru')
  await expect(redisReplaySet({ url: own })).rejects.toMatchObject({ code: 'evicting', transient: false })
  await stopServer(evicting)
  const server = await startServer(port, '--maxmemory', '8mb', '--maxmemory-policy', 'noeviction')
  const set = await opened({ url: own })
  expect(await set.check(entry())).toBe('fresh')
  const client = await createClient({ url: own }).connect()
  await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '1'])
  await expect(set.check(entry({ base: 'more' }))).rejects.toMatchObject({ transient: true })
  await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '0'])
  expect(await set.check(entry({ base: 'more' }))).toBe('fresh')
  await client.close()
  await stopServer(server)
})

withServer(`after a restart of Redis the start rule holds, and service is back${whyServer}`, async () => {
  const port = await freePort()
  const server = await startServer(port)
  let now = start
  const set = await opened({ url: `redis://127.0.0.1:${port}`, now: () => now })
  expect(await set.check(entry())).toBe('fresh')
  await stopServer(server)
  await expect(set.check(entry())).rejects.toMatchObject({ transient: true })
  const again = await startServer(port)
  now = start + 10
  await expect.poll(() => set.check(entry()).catch(() => 'away'), { timeout: 5000 }).toBe('early')
  expect(await set.check(entry({ created: start + 10 }))).toBe('fresh')
  await stopServer(again)
})

withServer(`a Redis that hangs costs the deadline${whyServer}`, async () => {
  const port = await freePort()
  const server = await startServer(port)
  const set = await opened({ url: `redis://127.0.0.1:${port}`, deadline: 0.3 })
  expect(await set.check(entry())).toBe('fresh')
  server.kill('SIGSTOP')
  const from = performance.now()
  await expect(set.check(entry({ base: 'other' }))).rejects.toMatchObject({ transient: true })
  expect(performance.now() - from).toBeLessThan(1000)
  server.kill('SIGCONT')
  await expect.poll(() => set.check(entry()).catch(() => 'away'), { timeout: 5000 }).toBe('replayed')
  await stopServer(server)
})
