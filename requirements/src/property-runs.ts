// `globalThis.process?`: the properties of httpsig run in a browser, too.
const environment = globalThis.process?.env
const long = environment?.['COUNTERSIGN_LONG'] === '1'
/** The third of what takes longest that this run of the long tier tries: 1, 2 or 3; undefined where it tries everything. */
const third = ['1', '2', '3'].indexOf(environment?.['COUNTERSIGN_THIRD'] ?? '') + 1 || undefined

/** How many random cases the long tier tries of so many: a third of them, where it runs by thirds. */
export function longRuns(all: number): number {
  return third === undefined ? all : Math.ceil(all / 3)
}

/** Which of a list of long tests this run tries: each third one, where it runs by thirds. */
export function ofThird<T>(all: readonly T[]): readonly T[] {
  return third === undefined ? all : all.filter((_, at) => at % 3 === third - 1)
}

/** Rounds of a race: ten, and 500 in `npm run test:all`, on each of two kinds of database. */
export const raceRounds: number = long ? longRuns(500) : 10

/** Cases of one property: 300, and 2 · 10⁴ in `npm run test:all`. */
export const numRuns: number = long ? longRuns(20_000) : 300

/** Cases of a property that signs messages: 200, and 5000 in `npm run test:all`. */
export const signedRuns: number = long ? longRuns(5000) : 200
