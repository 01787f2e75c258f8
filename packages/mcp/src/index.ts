export { callerOf, guardMcp, type HandlerExtra, type McpServerLike } from './guard-mcp.js'
export type { McpOptions, McpRules, Rules } from './options.js'
export type { McpOAuth } from './protected-resource.js'
export type { SessionLimits } from './sessions.js'
