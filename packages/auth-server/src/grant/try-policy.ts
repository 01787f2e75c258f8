import { AAuthError, type Reason } from '@countersign/protocol'
import type { Policy, PolicyRequest } from '../policy/policy.js'
import { type Allowed, decideAgain, decideNew } from './decide.js'

/** What a server would decide about a request, and what decides it. */
export interface PolicyVerdict {
  readonly decision: 'direct' | 'consent' | 'deny'
  /** The rules that decide, where they have names. */
  readonly by: readonly string[]
  readonly reason?: Reason
  readonly conditions?: Allowed['conditions']
  readonly approver?: string
}

/** What a policy is tried with. */
export interface PolicyTrial {
  readonly policy: Policy
  /** Whether users can sign in. */
  readonly users: 'some' | 'none'
  /** Names the rules that decide; `named` is what an engine says. Default: what the engine says. */
  readonly rulesOf?: ((request: PolicyRequest, named: readonly string[]) => Promise<readonly string[]>) | undefined
}

/** Asks a policy as for a new request, or for one whose `user` has said yes, and changes nothing. */
export async function tryPolicy(
  request: PolicyRequest,
  { policy: asked, users, rulesOf = async (_, named) => named }: PolicyTrial,
): Promise<PolicyVerdict> {
  let named: readonly string[] = []
  const policy: Policy = async question => {
    const answer = await asked(question)
    named = typeof answer === 'object' ? (answer.by ?? []) : []
    return answer
  }
  try {
    const allowed =
      request.user === undefined ? await decideNew(request, { policy, users }) : await decideAgain(request, policy)
    const { decision, conditions, approver } = allowed
    return {
      decision,
      by: await rulesOf(request, named),
      ...(conditions.length === 0 ? {} : { conditions }),
      ...(approver === undefined ? {} : { approver }),
    }
  } catch (error) {
    if (!(error instanceof AAuthError) || error.status >= 500) throw error
    return { decision: 'deny', by: await rulesOf(request, named), reason: error.reason }
  }
}
