// `globalThis.process?`: the properties of httpsig run in a browser, too.
const long = globalThis.process?.env['COUNTERSIGN_LONG'] === '1'

/** Rounds of a race: ten, and 10³ in `npm run test:all`. */
export const raceRounds: number = long ? 1000 : 10

/** Cases of one property: 10³, and 10⁵ in `npm run test:all`. */
export const numRuns: number = long ? 100_000 : 1000
