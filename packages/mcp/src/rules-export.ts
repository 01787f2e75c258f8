// What guards MCP on the wire, without the SDK: for whoever passes messages on.
export type { McpRules, Rules } from './mcp-rules.js'
export { checkOrigin } from './origin.js'
export { ownerOf, succeeded } from './owner.js'
export { type RpcMessage, readRpc } from './rpc.js'
export { type Ask, type Doubt, listNames, type NamedKind, type NameProof, nameProof } from './rule-names.js'
export { type Rule, ruleBook } from './rules.js'
export {
  createSessions,
  defaultSessionLimits,
  type Session,
  type SessionLimits,
  type Sessions,
  sessionNotFound,
} from './sessions.js'
export { isEventStream, watchedBody } from './stream.js'
