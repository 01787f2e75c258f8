import { expect, test } from 'vitest'
import { type PendingWrite, type WriteQueue, writeQueue } from './write-queue.js'

interface Recorded {
  readonly queue: WriteQueue<unknown>
  readonly batches: number[]
}

function recorded(options: { batch: number; capacity: number }): Recorded {
  const batches: number[] = []
  const commit = async (batch: ReadonlyArray<PendingWrite<unknown>>): Promise<void> => {
    batches.push(batch.length)
    await new Promise(resolve => setTimeout(resolve, 1))
    for (const write of batch) write.resolve(undefined)
  }
  return { batches, queue: writeQueue<unknown>({ ...options, commit }) }
}

const nothing = async (): Promise<void> => {}

test('writes of successive turns share a commit, as do those that arrive during one', async () => {
  const { queue, batches } = recorded({ batch: 64, capacity: 100 })
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  const first = Promise.all(Array.from({ length: 10 }, () => queue.add(nothing)))
  await turn()
  const second = Promise.all(Array.from({ length: 7 }, () => queue.add(nothing)))
  while (batches.length === 0) await turn()
  const third = Promise.all(Array.from({ length: 5 }, () => queue.add(nothing)))
  await Promise.all([first, second, third])
  expect(batches).toEqual([17, 5])
})

test('a single write waits only a few turns', async () => {
  const { queue, batches } = recorded({ batch: 64, capacity: 100 })
  const alone = queue.add(nothing)
  for (let turn = 0; turn < 4; turn++) await new Promise(resolve => setImmediate(resolve))
  const late = queue.add(nothing)
  await Promise.all([alone, late])
  expect(batches).toEqual([1, 1])
})

test('a batch has a maximum size', async () => {
  const { queue, batches } = recorded({ batch: 64, capacity: 1000 })
  await Promise.all(Array.from({ length: 150 }, () => queue.add(nothing)))
  expect(batches).toEqual([64, 64, 22])
})

test('a full queue refuses writes, and accepts them again once there is room', async () => {
  const { queue } = recorded({ batch: 4, capacity: 5 })
  const results = await Promise.allSettled(Array.from({ length: 7 }, () => queue.add(nothing)))
  expect(results.map(result => result.status)).toEqual([...Array(5).fill('fulfilled'), 'rejected', 'rejected'])
  expect(results[6]).toMatchObject({ reason: { name: 'StoreError', code: 'overloaded' } })
  await expect(queue.add(nothing)).resolves.toBeUndefined()
})
