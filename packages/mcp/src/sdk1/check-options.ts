import { checkOptions, each, type OptionChecks } from '@countersign/protocol/internal'
import type { McpOAuth } from '../protected-resource.js'
import { rulesChecks } from '../rules/check-rules.js'
import type { SessionLimits } from '../session/sessions.js'
import type { McpOptions } from './options.js'

const limitsChecks: OptionChecks<SessionLimits> = { sessions: 'number', perCaller: 'number', idle: 'number' }
const oauthChecks: OptionChecks<McpOAuth> = { authorizationServers: each('string'), verify: 'function' }

const checks: OptionChecks<McpOptions<string>> = {
  ...rulesChecks,
  path: 'string',
  oauth: { ...oauthChecks },
  limits: { ...limitsChecks },
  recentEvents: 'number',
  streamSeconds: 'number',
  now: 'function',
}

/** Refuses unknown options: a misspelt kind of rules would leave its names to the rule of the session. @throws TypeError */
export function checkMcpOptions(options: McpOptions<string>): void {
  checkOptions('guardMcp', options, checks)
}
