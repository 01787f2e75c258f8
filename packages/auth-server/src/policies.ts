import { checkIdentifier } from '@countersign/protocol'
import { checkDirectGrant, checkUserQuestion } from './check-auth-server-options.js'
import type { Decision, DirectGrant, Policy, PolicyRequest, UserQuestion } from './policy.js'

/**
 * A policy from a list: `direct` where the lines for this agent, delegate and resource hold every scope, else `deny`.
 * It leaves exchanges to their rules.
 * @throws TypeError when a line names no identifier
 * @see protocol §6.3 "Direct grants by policy name their delegates"
 */
export function directGrants(list: readonly DirectGrant[]): Policy {
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
    const allowed = new Set(applicable.flatMap(line => line.scopes))
    return request.scope.length > 0 && request.scope.every(scope => allowed.has(scope)) ? 'direct' : 'deny'
  }
}

/**
 * A policy that lets users decide: `consent` where one of the questions covers the whole request, else `deny`.
 * It leaves exchanges to their rules.
 * @throws TypeError when a question names something that is no identifier
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
    return questions.some(question => isAsked(question, request)) ? 'consent' : 'deny'
  }
}

/** The decision that leaves an exchange to its rules. */
const leftToRules: Decision = 'direct'
const strictness: readonly Decision[] = ['direct', 'consent', 'deny']

/**
 * A policy of several: the first that does not deny decides. For an exchange all are asked and the strictest decides, because
 * `directGrants` and `askUsers` leave exchanges to their rules and must not overrule a stricter policy.
 */
export function firstOf(...policies: readonly Policy[]): Policy {
  if (!policies.every(policy => typeof policy === 'function'))
    throw new TypeError('firstOf: each policy must be a function')
  return async request => {
    if (request.upstream !== undefined) {
      const decisions = await Promise.all(policies.map(policy => policy(request)))
      return decisions.reduce<Decision>(stricter, decisions.length === 0 ? 'deny' : 'direct')
    }
    for (const policy of policies) {
      const decision = await policy(request)
      if (decision !== 'deny') return decision
    }
    return 'deny'
  }
}

/** Anything that is no decision counts as `deny`. */
function stricter(one: Decision, other: Decision): Decision {
  const [a, b] = [one, other].map(decision => strictness.indexOf(decision))
  if (a === undefined || b === undefined || a < 0 || b < 0) return 'deny'
  return a > b ? one : other
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
