// For the other packages of this project, not for users: these names may change in any release (no semver).

export { bodyStream } from './digest/body-stream-node.js'
export { abortRequest, checkBody } from './digest/checked-body-node.js'
export { connectionOfNode, type NodeConnection } from './message/connection-node.js'
export { headFromNode } from './message/framing-node.js'
export { isCutOff } from './message/request-end-node.js'
export { holdBody } from './message/unread-body-node.js'
