export { requirements } from './manifest.js'
export { numRuns, raceRounds } from './property-runs.js'
export type { Requirement } from './requirement.js'
export { verifies } from './verifies.js'
