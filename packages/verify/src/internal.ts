// For the other packages of this project, not for users: these names may change in any release (no semver).

export { isPrivatePeer, networkOf, peerOf, requestIdOf, telling, wideNetworkOf } from './network.js'
export { refuseRemembered, refuseUsedApproval, rememberOnce, replayEntryOf, takeApproval } from './replay.js'
export { withClient } from './trusted-proxies.js'
export { internalVerifier } from './verifier.js'
