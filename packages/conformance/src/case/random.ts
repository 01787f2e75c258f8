/** Numbers that follow from a seed, so that two runs choose alike. */
export interface Random {
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number
}

/** Opens the numbers of a seed (mulberry32). */
export function openRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    below(bound) {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
    },
  }
}
