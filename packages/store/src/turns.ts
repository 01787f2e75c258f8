import { StoreError } from './store-error.js'

/** Gives its place back. */
export type Release = () => void

/** A fixed number of places for writes, given in order. */
export interface Turns {
  /**
   * Resolves when there is a place.
   * @throws StoreError `overloaded` when there was none in time
   */
  shared(): Promise<Release>
  /** As `shared`, but gives all places, once all are free: next, before all that wait for one. */
  alone(): Promise<Release>
}

interface Waiting {
  readonly places: number
  start(): void
}

/** @param options.seconds longest wait */
export function createTurns(options: { readonly places: number; readonly seconds: number }): Turns {
  let free = options.places
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
        // It may have been the one all others waited behind.
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
