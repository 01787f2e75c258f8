import { StoreError } from './store-error.js'

/** Releases the place. */
export type Release = () => void

/** A fixed number of places for concurrent writes, given out in order. */
export interface Turns {
  /**
   * Resolves when a place is free.
   * @throws StoreError `overloaded` when none became free in time
   */
  shared(): Promise<Release>
  /** Takes all places once all are free, before any waiting write gets one. */
  alone(): Promise<Release>
}

interface Waiting {
  readonly places: number
  start(): void
}

/** @param options.seconds longest wait */
export function createTurns(options: { readonly places: number; readonly seconds: number }): Turns {
  let free = options.places
  // bound: writes under way, see postgres.ts; bytes: small; grown by a stranger; shared: as the writes; filled by
  // postgres.test.ts "no more writes wait than there is room for"
  const waiting: Waiting[] = []

  function advance(): void {
    for (let next = waiting[0]; next !== undefined && next.places <= free; next = waiting[0]) {
      waiting.shift()
      free -= next.places
      next.start()
    }
  }

  function take(places: number, enqueue: (entry: Waiting) => void): Promise<Release> {
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        places,
        start() {
          clearTimeout(timer)
          resolve(() => {
            free += places
            advance()
          })
        },
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(entry), 1)
        reject(new StoreError('overloaded', 'too many writes are waiting'))
        // The others may have waited behind this one.
        advance()
      }, options.seconds * 1000)
      enqueue(entry)
      advance()
    })
  }

  return {
    shared: () => take(1, entry => waiting.push(entry)),
    alone: () =>
      take(options.places, entry => {
        const ahead = waiting.findIndex(({ places }) => places < options.places)
        waiting.splice(ahead < 0 ? waiting.length : ahead, 0, entry)
      }),
  }
}
