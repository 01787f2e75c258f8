import { StoreError } from './store-error.js'
import type { Change } from './write-scope.js'

/** A write that waits for its commit. */
export interface PendingWrite<T> {
  readonly change: Change<T, unknown>
  resolve(value: unknown): void
  reject(reason: unknown): void
}

/** Collects writes and commits them in batches, in order, one batch at a time. */
export interface WriteQueue<T> {
  add<R>(change: Change<T, R>): Promise<R>
  /** How many writes are not settled yet. */
  waiting(): number
  /** Refuses further writes and resolves when the waiting ones are settled. */
  close(): Promise<void>
}

/** Turns of the event loop without a new write after which a batch is committed; on an idle server they take microseconds. */
const idleTurns = 3

/**
 * Collects the writes of one turn of the event loop, of the next turns as long as more writes come, and those that arrive while a
 * batch commits, so that many requests share one wait for the disk.
 * @param options.commit settles every write of its batch; it does not throw
 * @param options.batch most writes in a batch
 * @param options.capacity most writes that wait; past it `add` rejects with StoreError `overloaded`
 */
export function writeQueue<T>(options: {
  readonly commit: (batch: ReadonlyArray<PendingWrite<T>>) => Promise<void>
  readonly batch: number
  readonly capacity: number
}): WriteQueue<T> {
  // bound: capacity, 10 000 writes; bytes: 10 000 × one row; grown by a stranger; shared: by the quotas before it;
  // filled by write-queue.test.ts "a full queue refuses writes"
  let waiting: Array<PendingWrite<T>> = []
  let running: Promise<void> | undefined
  let committing = 0
  let closed = false

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      await gather()
      const batch = waiting.slice(0, options.batch)
      waiting = waiting.slice(options.batch)
      committing = batch.length
      await options.commit(batch)
      committing = 0
    }
    running = undefined
  }

  /** Waits until a few turns bring no further write, then commits all collected writes together. */
  async function gather(): Promise<void> {
    for (let idle = 0; idle < idleTurns && waiting.length < options.batch; ) {
      const before = waiting.length
      // Not a microtask: requests read from several sockets in one turn should meet in one batch.
      await new Promise<void>(resolve => setImmediate(resolve))
      idle = waiting.length > before ? 0 : idle + 1
    }
  }

  return {
    add<R>(change: Change<T, R>): Promise<R> {
      if (closed) return Promise.reject(new StoreError('closed', 'the store is closed'))
      if (waiting.length >= options.capacity) {
        return Promise.reject(new StoreError('overloaded', 'too many writes are waiting'))
      }
      return new Promise<R>((resolve, reject) => {
        waiting.push({ change, resolve: value => resolve(value as R), reject })
        running ??= drain()
      })
    },
    waiting: () => waiting.length + committing,
    async close() {
      closed = true
      await running
    },
  }
}
