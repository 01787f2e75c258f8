import { checkOptions, eachMember, type OptionChecks, restriction } from '@countersign/protocol/internal'
import type { McpRules } from './mcp-rules.js'

/** The members of rules. The requirement of a rule is checked when it is declared, like every requirement. */
export const rulesChecks: OptionChecks<McpRules<string>> = {
  session: restriction('object'),
  tools: restriction(eachMember('object')),
  prompts: restriction(eachMember('object')),
  resources: restriction(eachMember('object')),
  optional: 'strings',
}

/** Refuses unknown kinds of rules. @throws TypeError */
export function checkMcpRules(rules: McpRules<string>): void {
  checkOptions('mcp', rules, rulesChecks)
}
