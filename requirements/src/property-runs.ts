// `globalThis.process?`: the properties of httpsig run in a browser, too.
const environment = globalThis.process?.env
const long = environment?.['COUNTERSIGN_LONG'] === '1'

/** What a run of the long tier tries of what takes longest. */
interface Share {
  /** How many random cases of so many. */
  longRuns(all: number): number
  /** Which tests of a list. */
  ofThird<T>(all: readonly T[]): readonly T[]
}

/** A third of what takes longest. @param named `1`, `2` or `3`; anything else for everything */
export function shareOf(named: string | undefined): Share {
  const third = ['1', '2', '3'].indexOf(named ?? '')
  return {
    longRuns: all => (third === -1 ? all : Math.ceil(all / 3)),
    ofThird: all => (third === -1 ? all : all.filter((_, at) => at % 3 === third)),
  }
}

const share = shareOf(environment?.['COUNTERSIGN_THIRD'])
export const longRuns: Share['longRuns'] = share.longRuns
export const ofThird: Share['ofThird'] = share.ofThird

/** Rounds of a race: ten, and 500 in the whole long tier, on each of two kinds of database. */
export const raceRounds: number = long ? share.longRuns(500) : 10

/** Cases of one property: 300, and 2 · 10⁴ in the whole long tier. */
export const numRuns: number = long ? share.longRuns(20_000) : 300

/** Cases of a property that signs messages: 200, and 5000 in the whole long tier. */
export const signedRuns: number = long ? share.longRuns(5000) : 200
