import { checkIdentifier } from '@countersign/protocol/internal'
import { checkDirectGrant, checkUserQuestion } from './check-policy.js'
import type { Decision, DirectGrant, Policy, PolicyAnswer, PolicyRequest, UserQuestion } from './policy.js'
import { askPolicy, type PolicyJudgement } from './read-policy.js'

/**
 * A policy from a list: `direct` where the lines for this agent, delegate and resource hold every scope, else `deny`.
 * It leaves exchanges to their rules. Each scope goes by the first line that holds it, and the token by the conditions of all these lines.
 * @throws TypeError when a line names no identifier, or has unfit conditions
 * @see protocol §6.3 "Direct grants by policy name their delegates"
 * @example
 * ```ts
 * import { askUsers, directGrants, firstOf } from '@countersign/auth-server'
 *
 * const policy = firstOf(
 *   directGrants([
 *     { agent: 'https://agent.example', delegates: 'any', resource: 'https://calendar.example', scopes: ['events.read'] },
 *   ]),
 *   askUsers([{ agents: 'any', resources: ['https://calendar.example'] }]),
 * )
 * ```
 */
export function directGrants(list: readonly DirectGrant[]): Policy {
  // bound: fixed
  const lines = new Map<string, DirectGrant[]>()
  for (const line of list) {
    checkDirectGrant(line)
    checkIdentifier('agent of a direct grant', line.agent, { development: true })
    checkIdentifier('resource of a direct grant', line.resource, { development: true })
    const key = keyOf(line)
    lines.set(key, [...(lines.get(key) ?? []), line])
  }
  return request => {
    if (request.upstream !== undefined) return leftToRules
    const applicable = (lines.get(keyOf(request)) ?? []).filter(line => covers(line, request.delegate))
    const used = request.scope.map(scope => applicable.find(line => line.scopes.includes(scope)))
    if (used.length === 0 || used.includes(undefined)) return 'deny'
    return answerOf(applicable.filter(line => used.includes(line)))
  }
}

/** `direct`, with the conditions of all lines. The first approver that one names approves. */
function answerOf(lines: readonly DirectGrant[]): Decision | PolicyAnswer {
  const conditions = lines.flatMap(line => line.conditions ?? [])
  return toAnswer({
    decision: 'direct',
    conditions,
    approver: lines.find(line => line.approver !== undefined)?.approver,
  })
}

/**
 * A policy that lets users decide: `consent` where one of the questions covers the whole request, else `deny`. The first that does sets
 * the conditions. It leaves exchanges to their rules.
 * @throws TypeError when a question names something that is no identifier, or has unfit conditions
 * @see protocol §6.3
 */
export function askUsers(questions: readonly UserQuestion[]): Policy {
  for (const question of questions) {
    checkUserQuestion(question)
    const { agents, resources } = question
    const named = [...(agents === 'any' ? [] : agents), ...(resources === 'any' ? [] : resources)]
    for (const id of named) {
      if (id !== 'self')
        checkIdentifier('each of agents and resources of a question to users', id, { development: true })
    }
  }
  return request => {
    if (request.upstream !== undefined) return leftToRules
    const question = questions.find(each => isAsked(each, request))
    if (question?.conditions === undefined) return question === undefined ? 'deny' : 'consent'
    return { decision: 'consent', conditions: question.conditions }
  }
}

/** The decision that leaves an exchange to its rules. */
const leftToRules: Decision = 'direct'
const strictness: readonly Decision[] = ['direct', 'consent', 'deny']

/**
 * A policy of several: the first that does not deny decides, and sets the conditions. For an exchange all are asked, the strictest decides,
 * and the conditions of all hold, because `directGrants` and `askUsers` leave exchanges to their rules and must not overrule a stricter
 * policy.
 */
export function firstOf(...policies: readonly Policy[]): Policy {
  if (!policies.every(policy => typeof policy === 'function'))
    throw new TypeError('firstOf: each policy must be a function')
  return async request => {
    if (request.upstream !== undefined) {
      const answers = await Promise.all(policies.map(policy => askPolicy(policy, request)))
      return answers.length === 0 ? 'deny' : together(answers)
    }
    for (const policy of policies) {
      const answer = await askPolicy(policy, request)
      if (answer.decision !== 'deny') return toAnswer(answer)
    }
    return 'deny'
  }
}

/** The strictest decision under the conditions of all. */
function together(answers: readonly PolicyJudgement[]): Decision | PolicyAnswer {
  return toAnswer({
    decision: answers.map(({ decision }) => decision).reduce(stricter),
    conditions: answers.flatMap(({ conditions }) => conditions),
    approver: answers.find(({ approver }) => approver !== undefined)?.approver,
  })
}

function toAnswer({ decision, conditions, approver }: PolicyJudgement): Decision | PolicyAnswer {
  if (conditions.length === 0 && approver === undefined) return decision
  return { decision, conditions, ...(approver === undefined ? {} : { approver }) }
}

function stricter(one: Decision, other: Decision): Decision {
  return strictness.indexOf(one) > strictness.indexOf(other) ? one : other
}

function isAsked(question: UserQuestion, request: PolicyRequest): boolean {
  const { agents, delegates = 'any', resources, scopes = 'any' } = question
  const { agent, resource, scope } = request
  return (
    (agents === 'any' || agents.includes(agent)) &&
    covers({ delegates }, request.delegate) &&
    (resources === 'any' || resources.includes(resource) || (resource === agent && resources.includes('self'))) &&
    scope.length > 0 &&
    (scopes === 'any' || scope.every(name => scopes.includes(name)))
  )
}

/** Identifiers hold no space, so two different pairs never share a key. */
function keyOf(pair: { readonly agent: string; readonly resource: string }): string {
  return `${pair.agent} ${pair.resource}`
}

function covers({ delegates = 'none' }: Pick<DirectGrant, 'delegates'>, delegate: string | undefined): boolean {
  if (delegate === undefined || delegates === 'any') return true
  return delegates !== 'none' && delegates.includes(delegate)
}
