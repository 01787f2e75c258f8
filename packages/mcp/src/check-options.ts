import { checkOptions, each, eachMember, type OptionChecks, restriction } from '@countersign/protocol'
import type { McpOptions, McpRules } from './options.js'
import type { McpOAuth } from './protected-resource.js'
import type { SessionLimits } from './sessions.js'

const limitsChecks: OptionChecks<SessionLimits> = { sessions: 'number', perCaller: 'number', idle: 'number' }
const oauthChecks: OptionChecks<McpOAuth> = { authorizationServers: each('string'), verify: 'function' }

// What a rule asks is checked as every requirement is, when it is declared.
const rulesChecks: OptionChecks<McpRules<string>> = {
  session: restriction('object'),
  tools: restriction(eachMember('object')),
  prompts: restriction(eachMember('object')),
  resources: restriction(eachMember('object')),
  optional: 'strings',
}

const checks: OptionChecks<McpOptions<string>> = {
  ...rulesChecks,
  path: 'string',
  oauth: { ...oauthChecks },
  limits: { ...limitsChecks },
  recentEvents: 'number',
  streamSeconds: 'number',
  now: 'function',
}

/** Refuses options that a guard of MCP does not have: a misspelt kind of rules would leave its names to the session's. @throws TypeError */
export function checkMcpOptions(options: McpOptions<string>): void {
  checkOptions('guardMcp', options, checks)
}

/** The same for rules alone, as a gateway gives them. @throws TypeError */
export function checkMcpRules(rules: McpRules<string>): void {
  checkOptions('mcp', rules, rulesChecks)
}
