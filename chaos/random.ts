/** Random choices that a seed repeats. */
export interface Random {
  /** From 0, below 1. */
  next(): number
  /** An integer from 0, below `count`. */
  below(count: number): number
  /** One of them. Throws for an empty list. */
  one<T>(from: readonly T[]): T
  /** Whether something happens that happens so often, of 1. */
  chance(share: number): boolean
  /** All of them in another order. */
  shuffled<T>(of: readonly T[]): T[]
  /** Another sequence, which does not depend on how far this one has come. */
  branch(name: string): Random
}

/** Choices by mulberry32, a generator of 32 bits: enough to order faults and clients, for nothing secret. */
export function random(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (count: number): number => Math.floor(next() * count)
  return {
    next,
    below,
    one<T>(from: readonly T[]): T {
      const chosen = from[below(from.length)]
      if (chosen === undefined) throw new RangeError('there is nothing to choose from')
      return chosen
    },
    chance: share => next() < share,
    shuffled<T>(of: readonly T[]): T[] {
      const left = [...of]
      return of.flatMap(() => left.splice(below(left.length), 1))
    },
    branch: name => random([...name].reduce((hash, char) => Math.imul(hash, 31) + char.charCodeAt(0), seed)),
  }
}
