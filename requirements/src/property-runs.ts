// `globalThis.process?`: the properties of httpsig run in a browser, too.
const long = globalThis.process?.env['COUNTERSIGN_LONG'] === '1'

/** Rounds of a race: ten, and 500 in `npm run test:all`, on each of two kinds of database. */
export const raceRounds: number = long ? 500 : 10

/** Cases of one property: 300, and 2 · 10⁴ in `npm run test:all`. */
export const numRuns: number = long ? 20_000 : 300

/** Cases of a property that signs messages: 200, and 5000 in `npm run test:all`. */
export const signedRuns: number = long ? 5000 : 200
