import type { AAuthError } from '@countersign/protocol'
import { peerOf } from '@countersign/verify/internal'
import type { NewQuestion } from '../approval/ask.js'
import { inboxRefusal } from '../approval/inbox.js'
import { policyDenial, policyRequest, principalOf } from '../grant/decide.js'
import { principalColumns } from '../grant/grant.js'
import { checkIdentityScopes } from '../grant/identity-claims.js'
import { tokenConditions } from '../grant/token-conditions.js'
import type { PolicyRequest } from '../policy/policy.js'
import { askPolicy, type PolicyJudgement } from '../policy/read-policy.js'
import type { NewRequest } from '../request/request-row.js'
import type { RequestedAccess, RequestedCall } from './requested-access.js'
import type { TokenCall, TokenContext } from './token-context.js'

/** A question about a single call, verified and decided but for its user. */
export interface AskedCall {
  readonly request: NewRequest
  readonly question: NewQuestion
}

/** Access to a single call. */
export type CallAccess = RequestedAccess & { readonly call: RequestedCall }

/** Whether a single call is to be approved. */
export function isCall(access: RequestedAccess): access is CallAccess {
  return access.call !== undefined
}

type Answer = 'page' | 'inbox'

/**
 * Decides whom to ask about a single call. Whatever policy or memory say, a user is asked: the one of the grant, and under a direct
 * grant the one that policy names.
 * @throws AAuthError `access_denied` when policy says no, nobody is known who could approve, a condition forbids it anyway, or the user
 *   does not want to be asked
 * @see protocol §9.4, clause approval.asked
 */
export async function decideCall(
  access: CallAccess,
  asked: {
    readonly purpose: string | undefined
    readonly purposes: readonly string[] | undefined
    readonly login_hint?: string | undefined
    readonly answer: Answer
    readonly call: Pick<TokenCall, 'caller' | 'discovery'>
  },
  context: TokenContext,
): Promise<AskedCall> {
  const { caller, discovery } = asked.call
  const principal = principalOf(caller)
  const { purpose, purposes, login_hint, answer } = asked
  const { resource, scope } = access
  checkIdentityScopes(scope)
  const policy = policyRequest(principal, { ...access, purpose, purposes, operation: access.call.operation.name })
  const { approver: named, conditions: operator } = await decideByPolicy(policy, context)
  const holder = access.call.sub
  const user_sub = await checkedApprover({ policy, approver: holder ?? named, answer }, context)
  const whose = { user_sub, ...principalColumns(principal), resource }
  const known = holder === undefined || (await context.approvals.hasLivingGrant(whose))
  if (answer === 'inbox' && !(holder !== undefined && known && (await context.approvals.isInboxOn(user_sub))))
    throw inboxRefusal()
  await context.blocks.check({ user: user_sub })
  await context.approvals.checkStopped({ user_sub, agent: principal.agent, resource })
  const user = await context.approvals.grantConditions({ ...whose, holder: holder ?? null }, { scope, purposes })
  // What a condition forbids anyway is no question.
  await tokenConditions({ caller, resource, scope, purposes, operator, user }, { discovery, now: context.now() })
  const { delegation } = caller
  const about = { ...requestedOf(access), purpose, purposes, delegation, login_hint }
  return {
    request: { principal, ...about, ...peerOf(caller) },
    question: questionOf(access.call, { user_sub, holder: holder ?? null, agent_jkt: caller.key.thumbprint, known }),
  }
}

/** The request that waits for an answer: what a user is shown of the call stands in its question. */
export function requestedOf({ resource, scope, txn }: RequestedAccess): Pick<NewRequest, 'resource' | 'scope' | 'txn'> {
  return { resource, scope, txn }
}

/** The question about a call. */
export function questionOf(
  { operation: { name, digest, display }, words }: RequestedCall,
  who: Pick<NewQuestion, 'user_sub' | 'holder' | 'agent_jkt' | 'known'>,
): NewQuestion {
  const { description, grave = false } = typeof words === 'string' ? { description: words } : words
  return { ...who, operation: name, digest, display, words: description, grave }
}

/** Policy may deny; it cannot answer in the place of a user. */
async function decideByPolicy(
  request: PolicyRequest,
  { policy, users }: Pick<TokenContext, 'policy' | 'users'>,
): Promise<PolicyJudgement> {
  const judgement = await askPolicy(policy, request)
  if (judgement.decision === 'deny') throw policyDenial(request)
  if (users === 'some') return judgement
  throw policyDenial(request, 'user_unavailable')
}

async function checkedApprover(
  o: { readonly policy: PolicyRequest; readonly approver: string | undefined; readonly answer: Answer },
  { approvals }: Pick<TokenContext, 'approvals'>,
): Promise<string> {
  const { policy, approver, answer } = o
  if (approver !== undefined && (await approvals.isUser(approver))) return approver
  throw answer === 'inbox' ? inboxRefusal() : approverMissing(policy)
}

/** The error where nobody is known who could approve. */
export function approverMissing(request: PolicyRequest): AAuthError {
  return policyDenial(request, 'approver_missing')
}
