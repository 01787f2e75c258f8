import { oauthChecks, rulesChecks } from '@countersign/mcp/internal'
import { checkOptions, type OptionChecks } from '@countersign/protocol/internal'
import type { McpSessionOptions } from './options.js'
import type { SessionLimits } from './session/sessions.js'

const limitsChecks: OptionChecks<SessionLimits> = { sessions: 'number', perCaller: 'number', idle: 'number' }

const checks: OptionChecks<McpSessionOptions<string>> = {
  ...rulesChecks,
  path: 'string',
  oauth: { ...oauthChecks },
  limits: { ...limitsChecks },
  recentEvents: 'number',
  streamSeconds: 'number',
  now: 'function',
}

/** Refuses unknown options: a misspelt kind of rules would leave its names to the rule of the session. @throws TypeError */
export function checkSessionOptions(options: McpSessionOptions<string>): void {
  checkOptions('guardMcp', options, checks)
}
