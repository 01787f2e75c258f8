export { requirements } from './manifest.js'
export type { Requirement } from './requirement.js'
export { verifies } from './verifies.js'
