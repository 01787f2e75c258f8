// Where a cryptographic operation runs on Node: on this thread or on libuv's pool.

/** How node:crypto tells what became of an operation on the pool. */
export type Outcome<T> = (error: Error | null, value: T) => void

/** Decides where operations run. */
interface Turn {
  /** On the thread pool now. */
  pooled: number
  /** Asked for in this turn, not yet placed. */
  waiting: Array<(alone: boolean) => void>
}

const turn: Turn = { pooled: 0, waiting: [] }

function place(): void {
  const batch = turn.waiting
  turn.waiting = []
  const alone = batch.length === 1 && turn.pooled === 0
  for (const run of batch) run(alone)
}

/**
 * Runs an operation on this thread when it is the only one, on the pool when there are several:
 * the pool uses every core, but its hand-over costs a lone request more than the operation saves.
 * With several, all go there, whatever its backlog: every one done here would keep the next from being handed over.
 */
export function schedule<T>(here: () => T, pool: (done: Outcome<T>) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const toPool = (): void => {
      turn.pooled++
      pool((error, value) => {
        turn.pooled--
        if (error) reject(error)
        else resolve(value)
      })
    }
    if (turn.pooled > 0) return toPool()
    if (turn.waiting.length === 0) queueMicrotask(place)
    turn.waiting.push(alone => {
      try {
        if (alone) resolve(here())
        else toPool()
      } catch (error) {
        reject(error as Error)
      }
    })
  })
}
