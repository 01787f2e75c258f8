import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { memoryCounter } from '../index.js'

const minute = (key: string, max = 2) => ({ key, max, ends: 1_800_000_060 })
const hour = (key: string, max = 2) => ({ key, max, ends: 1_800_003_600 })
const now = 1_800_000_000

test(
  verifies('DEL-40', 'policy.calls', 'a call counts in all of its windows or, where one is used up, in none'),
  async () => {
    const { takeCall } = memoryCounter()
    const both = { windows: [minute('a', 1), hour('b', 2)], now }
    expect(await takeCall(both)).toEqual([])
    expect(await takeCall(both)).toEqual([minute('a', 1)])
    expect(await takeCall({ windows: [hour('b', 2)], now, only: 'look' })).toEqual([])
    expect(await takeCall({ windows: [hour('b', 2)], now })).toEqual([])
    expect(await takeCall(both)).toEqual([minute('a', 1), hour('b', 2)])
  },
)

test(verifies('policy.calls', 'of a crowd at once exactly as many calls are counted as may pass'), async () => {
  const { takeCall } = memoryCounter()
  const crowd = await Promise.all(Array.from({ length: 100 }, () => takeCall({ windows: [minute('a', 7)], now })))
  expect(crowd.filter(used => used.length === 0)).toHaveLength(7)
})

test(
  verifies('DEL-38', 'windows are never forgotten before they end: a full counter refuses, first large sites'),
  async () => {
    const counter = memoryCounter({ callCapacity: 1000 })
    const take = (key: string, site: string) => counter.takeCall({ windows: [minute(key)], now, site })
    for (let one = 0; one < 100; one++) await take(`large ${one}`, 'large.example')
    await expect(take('large more', 'large.example')).rejects.toMatchObject({ reason: 'capacity_exceeded' })
    expect(await take('large 0', 'large.example')).toEqual([])
    for (let site = 0; site < 8; site++)
      for (let one = 0; one < 100; one++) await take(`${site} ${one}`, `s${site}.example`)
    // The last tenth is for sites that have hardly any.
    expect(await take('small', 'small.example')).toEqual([])
    await expect(take('small more', 'small.example')).rejects.toMatchObject({ notProcessed: true })
    expect(counter.callWindows).toBe(901)
    // A minute after their end they are gone.
    expect(await counter.takeCall({ windows: [hour('later')], now: now + 121, site: 'large.example' })).toEqual([])
    expect(counter.callWindows).toBe(1)
  },
)

test('a clock that is set back begins no window anew', async () => {
  const { takeCall } = memoryCounter()
  await takeCall({ windows: [minute('a', 1)], now })
  await takeCall({ windows: [hour('b')], now: now + 119 })
  expect(await takeCall({ windows: [minute('a', 1)], now })).toEqual([minute('a', 1)])
})
