// For the other packages of this project, not for users: these names may change in any release (no semver).

export { blockLists } from './block/block-lists.js'
export { checkDeny } from './block/deny.js'
export { type Allowed, decideAgain, decideNew, policyRequest } from './grant/decide.js'
