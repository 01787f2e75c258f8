// For the other packages of this project, not for users: these names may change in any release (no semver).

export { blockLists } from './block/block-lists.js'
export { checkDeny } from './block/deny.js'
export { policyRequest } from './grant/decide.js'
export { type PolicyVerdict, tryPolicy } from './grant/try-policy.js'
