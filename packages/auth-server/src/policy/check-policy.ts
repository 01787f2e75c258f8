import { type Conditions, parseConditions } from '@countersign/conditions'
import { AAuthError } from '@countersign/protocol'
import {
  checkOptions,
  type OptionCheck,
  type OptionChecks,
  type OptionPlace,
  restriction,
  wrongOption,
} from '@countersign/protocol/internal'
import type { DirectGrant, PolicyAnswer, UserQuestion } from './policy.js'

/** A list, or one of these words. Another text must be refused: `includes` would find its parts. */
export function listOr(...words: readonly string[]): OptionCheck {
  return (value, place) => {
    const isList = Array.isArray(value) && value.every(element => typeof element === 'string')
    if (!isList && !words.includes(value as string))
      throw wrongOption(place, `${words.map(word => `'${word}'`).join(', ')} or an array of strings`)
  }
}

/** A list of conditions, of which each is understood: one that is not would be kept by nobody. */
// unchecked options place: only the desk, the console and tests call it, and TypeScript checks them
export function conditionsCheck(value: unknown, place: OptionPlace): void {
  try {
    parseConditions(value, { development: true })
  } catch (error) {
    throw wrongOption(place, `a list of conditions${error instanceof AAuthError ? ` (${error.description})` : ''}`)
  }
}

const answerChecks: OptionChecks<PolicyAnswer> = {
  decision: restriction(['direct', 'consent', 'deny']),
  conditions: restriction(conditionsCheck),
  approver: restriction('string'),
  by: 'strings',
}

/** Refuses an unfit answer of a policy: a misspelt `conditions` would set none. */
export function checkPolicyAnswer(answer: PolicyAnswer): void {
  checkOptions('policy', answer, answerChecks, ['decision'])
  if (answer.decision === 'direct') checkForNoUser('policy', answer.conditions)
}

/** A count for the whole life of a grant is begun anew by asking again: only a user's yes may do that (DEL-39). */
function checkForNoUser(what: string, conditions: Conditions = []): void {
  if (conditions.some(condition => condition.type === 'calls' && condition.per === 'grant'))
    throw new TypeError(`${what}: calls per grant need a user who is asked`)
}

const grantChecks: OptionChecks<DirectGrant> = {
  agent: 'string',
  delegates: restriction(listOr('none', 'any')),
  resource: 'string',
  scopes: restriction('strings'),
  conditions: restriction(conditionsCheck),
  approver: restriction('string'),
}

/** Refuses an unfit direct grant: `delegates: 'pipeline-1'`, without brackets, would match every part of that text. */
export function checkDirectGrant(grant: DirectGrant): void {
  checkOptions('directGrants', grant, grantChecks, ['agent', 'resource', 'scopes'])
  checkForNoUser('directGrants', grant.conditions)
}

const questionChecks: OptionChecks<UserQuestion> = {
  agents: restriction(listOr('any')),
  delegates: restriction(listOr('none', 'any')),
  resources: restriction(listOr('any')),
  scopes: restriction(listOr('any')),
  conditions: restriction(conditionsCheck),
}

/** Refuses an unfit question to users: a misspelt `scopes` would let agents ask for any scope. */
export function checkUserQuestion(question: UserQuestion): void {
  checkOptions('askUsers', question, questionChecks, ['agents', 'resources'])
}
