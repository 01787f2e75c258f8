import { checkOptions, type OptionChecks } from '@countersign/protocol/internal'
import type { McpOptions } from './options.js'
import { oauthChecks } from './protected-resource.js'
import { rulesChecks } from './rules/check-rules.js'
import type { StreamLimits } from './stream/shares.js'

const limitsChecks: OptionChecks<StreamLimits> = { subscriptions: 'number', perCaller: 'number' }

const checks: OptionChecks<McpOptions<string>> = {
  ...rulesChecks,
  path: 'string',
  oauth: { ...oauthChecks },
  legacy: ['stateless', 'reject'],
  limits: { ...limitsChecks },
  streamSeconds: 'number',
  bus: 'object',
  onError: 'function',
  now: 'function',
}

/** Refuses unknown options: a misspelt kind of rules would leave its names to the rule of the session. @throws TypeError */
export function checkMcpOptions(options: McpOptions<string>): void {
  checkOptions('guardMcp', options, checks)
}
