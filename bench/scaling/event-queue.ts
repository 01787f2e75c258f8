/** Acts that are due at times of a simulation. */
export interface EventQueue {
  /** Seconds since the simulation began. */
  now(): number
  /** Does something in so many seconds. */
  after(seconds: number, act: () => void): void
  /** Does all that is due, in order. Resolves with the time of the last act. */
  run(): number
}

interface Due {
  readonly at: number
  readonly act: () => void
}

/** An empty queue: a binary heap by time. */
export function eventQueue(): EventQueue {
  const heap: Due[] = []
  let time = 0
  const at = (index: number): number => heap[index]?.at ?? Number.POSITIVE_INFINITY
  const swap = (one: number, other: number): void => {
    const [a, b] = [heap[one], heap[other]]
    if (a === undefined || b === undefined) return
    heap[one] = b
    heap[other] = a
  }
  const rise = (from: number): void => {
    for (let index = from; index > 0; ) {
      const parent = (index - 1) >> 1
      if (at(parent) <= at(index)) return
      swap(parent, index)
      index = parent
    }
  }
  const sink = (): void => {
    for (let index = 0; ; ) {
      const left = 2 * index + 1
      const least = at(left + 1) < at(left) ? left + 1 : left
      if (at(least) >= at(index)) return
      swap(least, index)
      index = least
    }
  }
  const next = (): Due | undefined => {
    swap(0, heap.length - 1)
    const first = heap.pop()
    sink()
    return first
  }
  return {
    now: () => time,
    after(seconds, act) {
      heap.push({ at: time + seconds, act })
      rise(heap.length - 1)
    },
    run() {
      for (let due = next(); due !== undefined; due = next()) {
        time = due.at
        due.act()
      }
      return time
    },
  }
}
