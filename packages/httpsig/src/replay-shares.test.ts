import { verifies } from '@countersign/requirements'
import { entriesAt } from '@countersign/testing/replay-set'
import { describe, expect, test } from 'vitest'
import { memoryReplaySet, type ReplayEntry } from './index.js'

const start = 1_750_000_000
const make = entriesAt(start)
let number = 0

/** A request like no other. */
const fresh = (principal: string, site: string, partition: ReplayEntry['partition'] = 'identified'): ReplayEntry =>
  make({ base: String(number++), principal, site, partition })

test(
  verifies(
    'DOS-17',
    'sig.replay.shares',
    'ten subdomains take the tenth of one site, and others are answered as usual',
  ),
  async () => {
    const set = memoryReplaySet({ now: () => start, capacity: 1000 })
    const verdicts = { fresh: 0, full: 0, replayed: 0, early: 0 }
    for (let round = 0; round < 10_000; round++) {
      verdicts[await set.check(fresh(`https://a${round % 10}.evil.example`, 'evil.example'))] += 1
      if (round % 50 === 0) {
        const honest = `${round % 7}.example`
        expect(await set.check(fresh(`https://agent.${honest}`, honest))).toBe('fresh')
      }
    }
    expect(verdicts).toEqual({ fresh: 100, full: 9900, replayed: 0, early: 0 })
  },
)

test(
  verifies(
    'sig.replay.room',
    'sig.replay.shares',
    'a partition has room for its rate; a principal gets half of its site',
  ),
  async () => {
    const set = memoryReplaySet({ now: () => start, rate: 10 })
    let remembered = 0
    while (remembered < 5000 && (await set.check(fresh('https://a.example', `${remembered}.example`))) === 'fresh')
      remembered++
    // One principal at as many sites: its own share is what ends first.
    expect(remembered).toBe(75)
    const others = memoryReplaySet({ now: () => start, rate: 10 })
    let room = 0
    while (room < 5000 && (await others.check(fresh(`https://${room}.example`, `${room}.example`))) === 'fresh') room++
    // Ten a second for the 120 s of the window, and for a slice that is not forgotten yet.
    expect(room).toBe(1512)
  },
)

describe(verifies('DOS-18', 'sig.replay.shares', 'when nine sites have filled nine tenths'), async () => {
  const set = memoryReplaySet({ now: () => start, capacity: 2000 })
  const first = fresh('https://0.0.example', '0.example')
  const small = async (site: string): Promise<string> => set.check(fresh(`https://${site}`, site))

  test('the last tenth is open only to sites with less than a thousandth', async () => {
    // Two entries are a thousandth of this set.
    expect([await small('early.example'), await small('early.example')]).toEqual(['fresh', 'fresh'])
    expect(await set.check(first)).toBe('fresh')
    for (let site = 0; site < 9; site++)
      for (let i = 0; i < 200; i++) await set.check(fresh(`https://${i % 4}.${site}.example`, `${site}.example`))
    expect(await small('early.example')).toBe('full')
    expect([await small('new.example'), await small('new.example')]).toEqual(['fresh', 'fresh'])
    expect(await small('new.example')).toBe('full')
    expect(await small('other.example')).toBe('fresh')
  })

  test('no remembered request is dropped', async () => {
    for (let i = 0; i < 3000; i++) await small(`s${i}.example`)
    expect(await small('late.example')).toBe('full')
    expect(await set.check(first)).toBe('replayed')
  })

  test('another partition has its own room', async () => {
    expect(await set.check(fresh('https://late.example', 'late.example', 'token'))).toBe('fresh')
  })
})

test('a principal gets half of the share of its site, so that it cannot lock out other principals of the site', async () => {
  const set = memoryReplaySet({ now: () => start, capacity: 1000 })
  const verdicts: string[] = []
  for (let i = 0; i < 60; i++) verdicts.push(await set.check(fresh('https://a.host.example', 'host.example')))
  expect(verdicts.filter(verdict => verdict === 'fresh')).toHaveLength(50)
  expect(await set.check(fresh('https://b.host.example', 'host.example'))).toBe('fresh')
})

test('the room follows from the rate: all requests at that rate are remembered', async () => {
  const clock = { now: start }
  const set = memoryReplaySet({ now: () => clock.now, rate: 10, window: 16, siteShare: 1000, share: 1000 })
  for (let i = 0; i < 600; i++) {
    clock.now = start + i / 10
    expect(await set.check(make({ base: `rate ${i}`, created: clock.now }))).toBe('fresh')
  }
})
