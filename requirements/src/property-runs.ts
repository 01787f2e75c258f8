// `globalThis.process?`: the properties of httpsig run in a browser, too.
const long = globalThis.process?.env['COUNTERSIGN_LONG'] === '1'

/** Cases of one property: 10³, and 10⁵ in `npm run test:all`. */
export const numRuns: number = long ? 100_000 : 1000
