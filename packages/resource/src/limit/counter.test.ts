import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { memoryCounter } from '../index.js'

const second = { count: 1, seconds: 1 }
const hour = { count: 1, seconds: 3600 }

test(
  verifies('LOG-10', 'keys of limits are forgotten when their window has ended, those whose window runs are not'),
  async () => {
    const counter = memoryCounter()
    await counter.take('an hour', hour)
    for (let key = 0; key < 100; key++) await counter.take(`pseudonym ${key}`, second)
    expect(counter.size).toBe(101)
    expect((await counter.take('pseudonym 1', second)).within).toBe(false)
    await sleep(1100)
    expect((await counter.take('pseudonym 1', second)).within).toBe(true)
    expect(counter.size).toBe(2)
    expect((await counter.take('an hour', hour)).within).toBe(false)
  },
)

test('of too many keys the one whose window began first is forgotten', async () => {
  const counter = memoryCounter({ capacity: 2 })
  for (const key of ['a', 'b', 'c']) await counter.take(key, hour)
  expect(counter.size).toBe(2)
  expect([(await counter.take('c', hour)).within, (await counter.take('a', hour)).within]).toEqual([false, true])
  expect(() => memoryCounter({ capacity: 0 })).toThrow(RangeError)
})

test('a count that is given back no longer counts, and no window begins below zero', async () => {
  const counter = memoryCounter()
  const twice = { count: 2, seconds: 1 }
  for (let count = 0; count < 3; count++) await counter.take('a', twice)
  await counter.giveBack('a', twice)
  await counter.giveBack('a', twice)
  expect((await counter.take('a', twice)).within).toBe(true)
  await counter.giveBack('never counted', twice)
  await sleep(1100)
  await counter.giveBack('a', twice)
  for (const within of [true, true, false]) expect((await counter.take('a', twice)).within).toBe(within)
})
