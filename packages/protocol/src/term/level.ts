/**
 * How well a request identifies its caller, from least to most.
 * @see protocol §1
 */
export type Level = 'anonymous' | 'pseudonymous' | 'identified' | 'authorized'

const rank: Readonly<Record<Level, number>> = { anonymous: 0, pseudonymous: 1, identified: 2, authorized: 3 }

/** Tells whether a level is enough: a higher one satisfies a lower one. */
export function satisfies(have: Level, need: Level): boolean {
  return rank[have] >= rank[need]
}
