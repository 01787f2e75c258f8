// What guards MCP on the wire, without the SDK: for programs that pass messages on.

export { checkOrigin } from './origin.js'
export type { McpRules, Rules } from './rules/mcp-rules.js'
export { type Ask, type Doubt, listNames, type NamedKind, type NameProof, nameProof } from './rules/names.js'
export { type RpcMessage, readRpc } from './rules/rpc.js'
export { type Rule, ruleBook } from './rules/rule-book.js'
export { ownerOf, succeeded } from './session/owner.js'
export {
  createSessions,
  defaultSessionLimits,
  type Session,
  type SessionLimits,
  type Sessions,
  sessionNotFound,
} from './session/sessions.js'
export { isEventStream, watchedBody } from './stream/watched-body.js'
