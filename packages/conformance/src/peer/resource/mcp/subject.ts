import { deniedByPolicy } from '../../shared/refusal.js'
import { folded } from '../arguments.js'
import { badMessage, type Message } from './message.js'
import type { Rule, ServerRules } from './rules.js'
import type { McpState } from './state.js'
import { ruleOfUri } from './uris.js'

/** The rule of what a message is about. @see protocol §12 */
export function ruleOf(message: Message, rules: ServerRules, state: McpState): Rule {
  const { method, params } = message
  if (method === 'tools/call') return ruleOfName(rules.tools, params['name'])
  if (method === 'prompts/get') return ruleOfName(rules.prompts, params['name'])
  if (/^resources\/(?:read|subscribe|unsubscribe)$/.test(method))
    return ruleOfUri(rules.resources, textOf(params['uri']))
  if (method === 'subscriptions/listen') return ruleOfSubscription(message, rules)
  if (method.startsWith('tasks/')) return ruleOfTask(message, rules, state)
  return rules.session
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw badMessage('name_missing', 'the message names nothing')
  return value
}

function ruleOfName(rules: Readonly<Record<string, Rule>>, value: unknown): Rule {
  const name = textOf(value)
  const own = Object.hasOwn(rules, name) && name !== '*' ? rules[name] : undefined
  if (own !== undefined) return own
  const isMisspelt = Object.keys(rules).some(one => folded(one) === folded(name))
  if (isMisspelt) throw deniedByPolicy('name_misspelt', 'a rule is for the name in another spelling')
  const other: Rule | undefined = rules['*']
  if (other === undefined) throw deniedByPolicy('rule_missing', 'no rule is for the name')
  return other
}

/** One request is judged by one rule. */
function ruleOfSubscription({ params }: Message, rules: ServerRules): Rule {
  const { resourceSubscriptions: uris = [], ...lists } = Object(params['notifications'])
  const all = [
    ...(Array.isArray(uris) ? uris : []).map(uri => ruleOfUri(rules.resources, textOf(uri))),
    ...(Object.values(lists).includes(true) ? [rules.session] : []),
  ]
  const [rule = rules.session, ...more] = new Set(all)
  if (more.length > 0) throw deniedByPolicy('rules_several', 'it names what goes by more than one rule')
  return rule
}

/** A task has the result of the tool that it came of, whose call was approved already. */
function ruleOfTask({ params }: Message, rules: ServerRules, { tasks }: McpState): Rule {
  const task = tasks.get(String(params['taskId']))
  if (rules.isGateway && new Set(Object.values(rules.tools)).size > 1)
    throw deniedByPolicy('task_of_any_tool', 'a gateway does not know the tool of a task')
  const rule = task === undefined ? undefined : rules.tools[task.tool]
  return rule === undefined ? rules.session : { level: rule.level, scopes: rule.scopes ?? [] }
}
