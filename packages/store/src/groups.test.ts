import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { StoreError } from './index.js'
import { inGroups } from './internal.js'

test('items that arrive while a group runs form the next group, in order', async () => {
  const groups: number[][] = []
  const twice = inGroups<number, number>({
    most: 3,
    capacity: 100,
    run: async items => {
      groups.push([...items])
      await sleep(1)
      return items.map(item => item * 2)
    },
  })
  expect(await Promise.all([1, 2, 3, 4, 5, 6].map(twice))).toEqual([2, 4, 6, 8, 10, 12])
  expect(groups).toEqual([[1], [2, 3, 4], [5, 6]])
  expect(await twice(7)).toBe(14)
})

test('an item that cannot be stored fails alone; a database that does not answer fails the whole group at once', async () => {
  let runs = 0
  const add = inGroups<string, string>({
    most: 10,
    capacity: 100,
    run: async items => {
      runs += 1
      await sleep(1)
      if (items.includes('away')) throw new StoreError('unavailable', 'the database cannot be reached')
      if (items.includes('bad')) throw new TypeError('no text with NUL')
      return items
    },
  })
  const settled = await Promise.allSettled(['first', 'a', 'bad', 'b'].map(add))
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  await sleep(1)
  runs = 0
  const away = await Promise.allSettled(['first', 'a', 'away', 'b'].map(add))
  expect(away.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
  expect(runs).toBe(2)
})

test('a full queue refuses further items', async () => {
  const add = inGroups<number, number>({ most: 1, capacity: 2, run: async items => items })
  const settled = await Promise.allSettled([1, 2, 3, 4, 5].map(add))
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'])
})
