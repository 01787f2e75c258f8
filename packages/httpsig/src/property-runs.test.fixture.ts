// 10³ cases a property, 10⁵ in `npm run test:all`.
const long = globalThis.process?.env['COUNTERSIGN_LONG'] === '1'

/** Cases of one property. */
export const numRuns: number = long ? 100_000 : 1000
/** Milliseconds a property may take. */
export const timeout: number = long ? 600_000 : 30_000
