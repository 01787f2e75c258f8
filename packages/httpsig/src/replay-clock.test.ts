import { verifies } from '@countersign/requirements'
import { entriesAt } from '@countersign/testing/replay-set'
import { expect, test, vi } from 'vitest'
import { memoryReplaySet, type ReplaySet } from './index.js'

const start = 1_750_000_000
// The last second of a slice by the system clock, whose entries live the shortest.
const seen = start + 214
const entry = entriesAt(seen)
const captured = entry()

/** A set that began long ago, a system clock that is set, and one that is not. */
function scene(): { set: ReplaySet; clock: { now: number; monotonic: number }; pass(seconds: number): void } {
  const clock = { now: start, monotonic: 7 }
  const set = memoryReplaySet({ now: () => clock.now, monotonic: () => clock.monotonic })
  const pass = (seconds: number): void => {
    clock.now += seconds
    clock.monotonic += seconds
  }
  pass(214)
  return { set, clock, pass }
}

test(
  verifies('sig.replay.clock', 'a clock that is set back by 125 s does not make a forgotten request pass again'),
  async () => {
    const { set, clock, pass } = scene()
    expect(await set.check(captured)).toBe('fresh')
    pass(137)
    expect(await set.check(entry({ base: 'other', created: seen + 137 }))).toBe('fresh')
    clock.now -= 125
    // It is remembered no more, and by this clock it is 12 seconds old.
    expect(await set.check(captured)).toBe('early')
    // Nothing that was created since was ever forgotten.
    expect(await set.check(entry({ base: 'twin', created: seen + 12 }))).toBe('fresh')
  },
)

test(
  verifies(
    'F-83',
    'sig.replay.restart',
    'a clock that was behind at the start, and is set, makes nothing of before new',
  ),
  async () => {
    const clock = { now: start - 50, monotonic: 7 }
    const set = memoryReplaySet({ now: () => clock.now, monotonic: () => clock.monotonic })
    clock.now += 60
    clock.monotonic += 10
    // By this clock the set began at `start`, though it read 50 s less then.
    expect(await set.check(entry({ created: start - 20 }))).toBe('early')
    expect(await set.check(entry({ created: start }))).toBe('fresh')
    expect(await set.check(entry({ base: 'later', created: start + 10 }))).toBe('fresh')
  },
)

test(verifies('sig.replay.clock', 'a clock that leaps ahead by 130 s once drops no entries'), async () => {
  const { set, clock, pass } = scene()
  expect(await set.check(captured)).toBe('fresh')
  clock.now += 130
  expect(await set.check(entry({ base: 'at the leap', created: seen + 130 }))).toBe('fresh')
  clock.now -= 130
  pass(1)
  expect(await set.check(captured)).toBe('replayed')
  pass(60)
  expect(await set.check(entry({ base: 'twin', created: seen + 61 }))).toBe('fresh')
})

test(
  verifies('sig.replay.clock', 'with no other clock than the one that leaps, what it made forgotten is early'),
  async () => {
    const clock = { now: start }
    const set = memoryReplaySet({ now: () => clock.now })
    clock.now += 214
    expect(await set.check(captured)).toBe('fresh')
    clock.now += 130
    expect(await set.check(entry({ base: 'at the leap', created: seen + 130 }))).toBe('fresh')
    clock.now -= 130
    expect(await set.check(captured)).toBe('early')
    clock.now += 1
    expect(await set.check(entry({ base: 'older', created: seen }))).toBe('early')
    clock.now += 60
    expect(await set.check(entry({ base: 'twin', created: seen + 61 }))).toBe('fresh')
  },
)

test(
  verifies('sig.replay.clock', 'what a clock that was ahead let pass is kept until no clock could let it pass again'),
  async () => {
    const { set, clock, pass } = scene()
    clock.now += 1000
    const ahead = entry({ base: 'at the leap', created: seen + 1000 })
    expect(await set.check(ahead)).toBe('fresh')
    clock.now -= 1000
    // Nothing is forgotten yet, so nothing need be refused.
    expect(await set.check(captured)).toBe('fresh')
    pass(137)
    expect(await set.check(entry({ base: 'later', created: seen + 137 }))).toBe('fresh')
    expect(await set.check(ahead)).toBe('replayed')
    pass(900)
    expect(await set.check(ahead)).toBe('replayed')
    pass(100)
    expect(await set.check(ahead)).toBe('early')
    expect(await set.check(entry({ base: 'twin', created: seen + 1137 }))).toBe('fresh')
  },
)

test('a clock that is set back repeatedly leaves a bounded number of slices', async () => {
  const { set, clock, pass } = scene()
  for (let round = 0; round < 100; round++) {
    clock.now = start + 100_000 + round
    await set.check(entry({ base: String(round), created: clock.now }))
    clock.now = seen + round * 20
    pass(20)
  }
  // The first ones are forgotten, and refused for what they were.
  expect(await set.check(entry({ base: '0', created: start + 100_000 }))).toBe('early')
  expect(await set.check(entry({ base: '99', created: start + 100_099 }))).toBe('replayed')
})

test(verifies('sig.replay.ready', 'a set is ready when a request created now would pass'), async () => {
  const clock = { now: start + 0.9, monotonic: 0 }
  const set = memoryReplaySet({ now: () => clock.now, monotonic: () => clock.monotonic })
  expect(await set.check(entry({ created: start }))).toBe('early')
  const ready = set.ready().then(() => 'ready')
  expect(await Promise.race([ready, new Promise(resolve => setTimeout(resolve, 20, 'waits'))])).toBe('waits')
  expect(await ready).toBe('ready')
  clock.now = start + 1
  expect(await set.check(entry({ created: start + 1 }))).toBe('fresh')
})

test('the wait until a set is ready is not over before the second is, though a timer may fire a millisecond early', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  try {
    let state = 'waits'
    const set = memoryReplaySet({ now: () => start + 0.75 })
    void set.ready().then(() => {
      state = 'ready'
    })
    await vi.advanceTimersByTimeAsync(250)
    expect(state).toBe('waits')
    await vi.advanceTimersByTimeAsync(1)
    expect(state).toBe('ready')
  } finally {
    vi.useRealTimers()
  }
})

test('a set made at the beginning of a second is ready at once', async () => {
  const set = memoryReplaySet({ now: () => start })
  const ready = set.ready().then(() => 'ready')
  expect(await Promise.race([ready, new Promise(resolve => setTimeout(resolve, 5, 'waits'))])).toBe('ready')
  expect(await set.check(entry({ created: start }))).toBe('fresh')
})
