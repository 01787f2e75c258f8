import { checkOptions, eachMember, type OptionChecks, restriction } from '@countersign/protocol'
import type { McpRules } from './mcp-rules.js'

/** The members of rules. What a rule asks is checked as every requirement is, when it is declared. */
export const rulesChecks: OptionChecks<McpRules<string>> = {
  session: restriction('object'),
  tools: restriction(eachMember('object')),
  prompts: restriction(eachMember('object')),
  resources: restriction(eachMember('object')),
  optional: 'strings',
}

/** Refuses rules that a guard of MCP does not have. @throws TypeError */
export function checkMcpRules(rules: McpRules<string>): void {
  checkOptions('mcp', rules, rulesChecks)
}
