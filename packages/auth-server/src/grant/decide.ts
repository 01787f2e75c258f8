import type { AAuthError, Reason } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { IdentifiedCaller } from '@countersign/verify'
import type { Policy, PolicyRequest, UpstreamFacts } from '../policy/policy.js'
import { askPolicy, type PolicyJudgement } from '../policy/read-policy.js'
import type { Principal } from './grant.js'
import { asksIdentity, checkIdentityScopes } from './identity-claims.js'

/**
 * Decides a new request: granted at once, or by a user.
 * @returns the decision, with the conditions of its operator
 * @throws AAuthError `access_denied` when policy says no, or a user is needed and none can sign in
 */
export async function decideNew(
  request: PolicyRequest,
  { policy, users }: { readonly policy: Policy; readonly users: 'some' | 'none' },
): Promise<Allowed> {
  const isAboutUser = asksIdentity(request.scope)
  if (isAboutUser && users === 'none') {
    throw policyDenial(request, 'user_unavailable')
  }
  checkIdentityScopes(request.scope)
  const judgement = await askPolicy(policy, request)
  switch (judgement.decision) {
    case 'direct':
      return { ...judgement, decision: isAboutUser ? 'consent' : 'direct' }
    case 'consent':
      if (users === 'some') return { ...judgement, decision: 'consent' }
      throw policyDenial(request, 'user_unavailable')
    default:
      throw policyDenial(request)
  }
}

/**
 * Decides again about a grant: a tightened policy binds old grants, too. Where policy wants a user, the grant's own has agreed; a
 * direct grant has none.
 * @returns today's conditions of its operator
 * @throws AAuthError `access_denied`
 */
export async function decideAgain(request: PolicyRequest, policy: Policy): Promise<Allowed> {
  const { decision, ...more } = await askPolicy(policy, request)
  if (decision === 'direct' || (decision === 'consent' && request.user !== undefined)) return { decision, ...more }
  throw policyDenial(request)
}

/** What a policy allowed, and under which conditions. */
export type Allowed = PolicyJudgement & { readonly decision: 'direct' | 'consent' }

/** The question to a policy. What is not known is left out, not undefined: operators write policies against it. */
// unchecked options about: all members are required, and one that is missing refuses everything
export function policyRequest(
  principal: Principal,
  about: {
    readonly resource: string
    readonly scope: readonly string[]
    readonly purpose: string | undefined
    readonly purposes?: readonly string[] | undefined
    /** `sub` of the user who has agreed, or whom an exchange is for. */
    readonly user?: string | undefined
    /** The name of the operation, where a user is asked to approve a single call. */
    readonly operation?: string | undefined
    readonly upstream?: UpstreamFacts | undefined
  },
): PolicyRequest {
  const { resource, scope, purpose, purposes = [], user, operation, upstream } = about
  return {
    ...principal,
    resource,
    scope,
    ...(purpose === undefined ? {} : { purpose }),
    ...(purposes.length === 0 ? {} : { purposes }),
    ...(user === undefined ? {} : { user }),
    ...(operation === undefined ? {} : { operation }),
    ...(upstream === undefined ? {} : { upstream }),
  }
}

/** The principal of a caller. */
export function principalOf({ agent, delegate }: IdentifiedCaller): Principal {
  return { agent, ...(delegate === undefined ? {} : { delegate }) }
}

/** A denied request, as the audit log names it. */
interface Denied {
  readonly resource: string
  readonly scope: readonly string[]
  readonly user?: string
}

/** The denial by policy in the cause of a refusal: verified facts, unlike other causes. */
export function denialIn(cause: unknown): Denied | undefined {
  return cause instanceof Denial ? cause.about : undefined
}

// A class, so that no other cause can pass for one.
class Denial {
  readonly about: Denied
  constructor({ resource, scope, user }: PolicyRequest) {
    this.about = { resource, scope, ...(user === undefined ? {} : { user }) }
  }
}

/** The error for a denial by policy or rules. */
export function policyDenial(request: PolicyRequest, reason: Reason = 'policy_refused'): AAuthError {
  return refusal(reason, { code: 'access_denied', cause: new Denial(request) })
}
