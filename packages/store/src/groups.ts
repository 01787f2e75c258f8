import { checkOptions } from '@countersign/protocol/internal'
import { StoreError } from './store-error.js'

interface Waiting<I, O> {
  readonly item: I
  resolve(outcome: O): void
  reject(reason: unknown): void
}

/**
 * Collects the items that arrive while one group runs into the next group, so that many requests share a few transactions.
 * A group that fails runs again item by item, so that an item which cannot be stored fails alone. When the database is unreachable,
 * the whole group fails at once.
 * @param options.run returns an outcome for each item, in order
 * @param options.most most items in a group
 * @param options.capacity most items that wait; further ones reject with StoreError `overloaded`
 */
export function inGroups<I, O>(options: {
  readonly run: (items: readonly I[]) => Promise<readonly O[]>
  readonly most: number
  readonly capacity: number
}): (item: I) => Promise<O> {
  checkOptions('inGroups', options, { run: 'function', most: 'number', capacity: 'number' })
  const { run, most, capacity } = options
  // bound: capacity, 10 000 writes; bytes: 10 000 × one row; grown by a stranger; shared: by the quotas before it;
  // filled by groups.test.ts "a full queue refuses further items"
  let waiting: Array<Waiting<I, O>> = []
  let running = false

  async function settle(group: ReadonlyArray<Waiting<I, O>>): Promise<void> {
    try {
      const outcomes = await run(group.map(({ item }) => item))
      for (const [index, entry] of group.entries()) entry.resolve(outcomes[index] as O)
    } catch (error) {
      if (group.length === 1 || error instanceof StoreError) {
        for (const entry of group) entry.reject(error)
        return
      }
      for (const entry of group) await settle([entry])
    }
  }

  async function drain(): Promise<void> {
    running = true
    while (waiting.length > 0) {
      const group = waiting.slice(0, most)
      waiting = waiting.slice(most)
      await settle(group)
    }
    running = false
  }

  return item =>
    new Promise((resolve, reject) => {
      if (waiting.length >= capacity) {
        reject(new StoreError('overloaded', 'too many writes are waiting'))
        return
      }
      waiting.push({ item, resolve, reject })
      if (!running) void drain()
    })
}
