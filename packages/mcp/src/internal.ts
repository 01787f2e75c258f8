// For the other packages of this project, not for users: these names may change in any release (no semver).
// The rules and sessions of a guard, without the MCP SDK: for proxies.

export { callOf } from './answer/message-call.js'
export { rpcErrorOf } from './answer/rpc-error.js'
export { showMessage } from './answer/show-message.js'
export { checkOrigin } from './origin.js'
export { type Ask, type Doubt, listNames, type NamedKind, type NameProof, nameProof } from './rules/names.js'
export { type McpMessage, readRpc } from './rules/rpc.js'
export { type Rule, type RuleBook, ruleBook } from './rules/rule-book.js'
export { continueOwner, type Owner, ownerOf } from './session/owner.js'
export {
  createSessions,
  defaultSessionLimits,
  type Session,
  type Sessions,
  sessionNotFound,
} from './session/sessions.js'
export { defaultStreamLimits, type StreamShares, streamShares } from './stream/shares.js'
export { isEventStream, watchedBody } from './stream/watched-body.js'
