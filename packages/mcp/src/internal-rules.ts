// For the other packages of this project, not for users: these names may change in any release (no semver).
// Types of `.`, for those without SDK 2.

export type { McpOAuth } from './protected-resource.js'
export type { McpRules, Rules } from './rules/mcp-rules.js'
