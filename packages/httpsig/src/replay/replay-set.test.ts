import { verifies } from '@countersign/requirements'
import { entriesAt, expectIdentity, expectSeen } from '@countersign/testing/replay-set'
import { describe, expect, test } from 'vitest'
import { memoryReplaySet, type ReplayEntry } from '../index.js'
import { countTable, digestKey, digestTable } from './compact-table.js'

const start = 1_750_000_000

function clock(at = start): { now: () => number; at: number } {
  const state = { at, now: () => state.at }
  return state
}

const entry = entriesAt(start)

test(verifies('NON-01', 'sig.replay.unsafe', 'the same request a second time is a replay'), async () => {
  const set = memoryReplaySet({ now: clock().now })
  expect(await set.check(entry())).toBe('fresh')
  expect(await set.check(entry())).toBe('replayed')
  expect(await set.check(entry({ partition: 'token', principal: 'other' }))).toBe('replayed')
})

test(
  verifies('NON-06', 'sig.replay.key', 'authority, key and base make the difference, and nothing else'),
  async () => {
    const set = memoryReplaySet({ now: clock().now })
    await expectIdentity(set, entry)
  },
)

test('seen tells whether a request is remembered, and does not remember it', async () => {
  await expectSeen(memoryReplaySet({ now: clock().now, capacity: 2, share: 2 }), entry)
})

test(verifies('NON-09', 'of many checks at once exactly one is fresh'), async () => {
  const set = memoryReplaySet({ now: clock().now })
  const verdicts = await Promise.all(Array.from({ length: 50 }, () => set.check(entry())))
  expect(verdicts.filter(verdict => verdict === 'fresh')).toHaveLength(1)
  expect(verdicts.filter(verdict => verdict === 'replayed')).toHaveLength(49)
})

test(verifies('sig.replay.window', 'an entry lives at least the window and not much longer'), async () => {
  for (const seen of [0, 7.5, 14.999, 15]) {
    const time = clock()
    const set = memoryReplaySet({ now: time.now, window: 120, capacity: 1 })
    time.at = start + seen
    expect(await set.check(entry())).toBe('fresh')
    // Whole-second clocks let a request stay valid for up to a second more than the window.
    time.at = start + seen + 120.99
    expect(await set.check(entry()), String(seen)).toBe('replayed')
    time.at = start + seen + 120 + 15 + 1
    expect(await set.check(entry({ created: time.at })), String(seen)).toBe('fresh')
  }
})

test('a clock that steps back drops no entries', async () => {
  const time = clock(start + 1000)
  const set = memoryReplaySet({ now: time.now })
  expect(await set.check(entry({ created: start + 1000 }))).toBe('fresh')
  time.at = start + 100
  expect(await set.check(entry({ created: start + 1000 }))).toBe('replayed')
})

describe('after a restart', () => {
  test(verifies('sig.replay.restart', 'a request created before the start is early'), async () => {
    const time = clock(start + 0.5)
    const set = memoryReplaySet({ now: time.now })
    time.at = start + 20
    expect(await set.check(entry({ created: start }))).toBe('early')
    expect(await set.check(entry({ created: start + 1 }))).toBe('fresh')
    expect(await set.check(entry({ created: start + 1 }))).toBe('replayed')
  })

  test(
    verifies('sig.replay.early', 'in the first minute a request created over 5 seconds ahead is early'),
    async () => {
      const time = clock()
      const at = (created: number): ReplayEntry => entry({ created, base: `;created=${created}` })
      const set = memoryReplaySet({ now: time.now })
      expect(await set.check(at(start + 5))).toBe('fresh')
      expect(await set.check(at(start + 6))).toBe('early')
      time.at = start + 59
      expect(await set.check(at(start + 65))).toBe('early')
      time.at = start + 60
      expect(await set.check(at(start + 120))).toBe('fresh')
    },
  )
})

describe(verifies('sig.replay.bounded', 'room'), () => {
  test('is divided by partition and by principal', async () => {
    const set = memoryReplaySet({ now: () => start, capacity: 5, share: 2 })
    const check = (base: string, change: Partial<ReplayEntry> = {}) => set.check(entry({ base, ...change }))
    expect(await check('1')).toBe('fresh')
    expect(await check('2')).toBe('fresh')
    expect(await check('3')).toBe('full')
    expect(await check('1')).toBe('replayed')
    expect(await check('4', { principal: 'b' })).toBe('fresh')
    expect(await check('5', { principal: 'c' })).toBe('fresh')
    expect(await check('5b', { principal: 'c' })).toBe('fresh')
    expect(await check('6', { principal: 'd' })).toBe('full')
    expect(await check('6', { principal: 'd', partition: 'authorized' })).toBe('fresh')
    expect(await check('7', { partition: 'authorized' })).toBe('fresh')
  })

  test('is free again when entries are dropped, and refused requests are not remembered', async () => {
    const time = clock()
    const set = memoryReplaySet({ now: time.now, share: 1 })
    expect(await set.check(entry({ base: '1' }))).toBe('fresh')
    expect(await set.check(entry({ base: '2' }))).toBe('full')
    time.at = start + 200
    expect(await set.check(entry({ base: '2', created: time.at }))).toBe('fresh')
  })

  test('is required', () => {
    const wrong = [{ window: 0 }, { capacity: 0 }, { siteShare: -1 }, { share: 0 }, { rate: 0 }, { window: Number.NaN }]
    for (const options of wrong) expect(() => memoryReplaySet(options)).toThrow(RangeError)
  })
})

function keyOf(number: number): ReturnType<typeof digestKey> {
  const bytes = new Uint8Array(32)
  // Collides in the first word for every 97 numbers, so that probing is exercised.
  new DataView(bytes.buffer).setUint32(0, (number % 97) * 0x9e3779b1)
  new DataView(bytes.buffer).setUint32(4, number)
  return digestKey(bytes)
}

test('the compact tables agree with a Set and a Map', () => {
  const table = digestTable()
  const counts = countTable()
  const set = new Set<number>()
  const map = new Map<number, number>()
  for (let i = 0; i < 5000; i++) {
    const number = (i * 7919) % 3001
    expect(table.has(keyOf(number))).toBe(set.has(number))
    if (!set.has(number)) table.add(keyOf(number))
    set.add(number)
    expect(counts.get(keyOf(number))).toBe(map.get(number) ?? 0)
    counts.increment(keyOf(number))
    map.set(number, (map.get(number) ?? 0) + 1)
  }
})

test('digests that differ only in their third word are two entries', () => {
  const table = digestTable()
  table.add([1, 2, 3])
  expect(table.has([1, 2, 4])).toBe(false)
  expect(table.has([1, 2, 3])).toBe(true)
})
