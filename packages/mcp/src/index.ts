export { callerOf, guardMcp, type HandlerExtra, type McpOptions, type McpServerLike } from './guard-mcp.js'
export type { McpOAuth } from './protected-resource.js'
export type { McpRules, Rules } from './rules.js'
export type { SessionLimits } from './sessions.js'
