import { type Conditions, parseConditions } from '@countersign/conditions'
import { isObject } from '@countersign/protocol/internal'
import { checkPolicyAnswer } from './check-policy.js'
import type { Decision, Policy, PolicyAnswer, PolicyRequest } from './policy.js'

/** What a policy said, read. */
export interface PolicyJudgement {
  readonly decision: Decision
  readonly conditions: Conditions
  readonly approver?: string | undefined
}

/**
 * Asks a policy. An answer that is neither a decision nor an object counts as `deny`.
 * @throws TypeError for an answer with unfit conditions: then nothing is granted
 */
export async function askPolicy(policy: Policy, request: PolicyRequest): Promise<PolicyJudgement> {
  return readPolicyAnswer(await policy(request))
}

/** Reads what a policy said. */
export function readPolicyAnswer(answer: Decision | PolicyAnswer): PolicyJudgement {
  if (answer === 'direct' || answer === 'consent' || answer === 'deny') return { decision: answer, conditions: [] }
  if (!isObject(answer)) return { decision: 'deny', conditions: [] }
  checkPolicyAnswer(answer)
  const { decision, conditions = [], approver } = answer
  return { decision, conditions: parseConditions(conditions, { development: true }), approver }
}
