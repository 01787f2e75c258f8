import type { Conditions } from '@countersign/conditions'
import { serializeScope } from '@countersign/protocol'
import { peerOf } from '@countersign/verify/internal'
import { inboxRefusal } from '../approval/inbox.js'
import { issueAuthToken } from '../grant/auth-token.js'
import { decideNew, policyRequest, principalOf } from '../grant/decide.js'
import type { Grant } from '../grant/grant.js'
import { grantFacts, newGrantId } from '../grant/grants.js'
import { conditionFacts, tokenConditions } from '../grant/token-conditions.js'
import type { NewRequest } from '../request/request-row.js'
import { askAboutCallInBrowser, askAboutCallInInbox, type InboxAnswer } from './ask-about-call.js'
import { type AskedCall, decideCall, isCall } from './decide-call.js'
import { askInBrowser, type PendingAnswer } from './pending-answer.js'
import { checkPurposes, type RequestedAccess, requestedAccess } from './requested-access.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { AccessRequest, AuthRequest } from './token-request.js'

/** How an access is decided: at once, or by a user who is still to be asked. */
export type DecidedAccess =
  | { readonly outcome: 'direct'; readonly answer: TokenAnswer }
  | { readonly outcome: 'consent'; readonly request: NewRequest }
  | { readonly outcome: 'approval'; readonly asked: AskedCall }

/**
 * Answers `request_type=auth`: with tokens where policy grants it, with a request token where a user decides.
 * @throws AAuthError with the code of protocol §8
 * @see protocol §6.2
 */
export async function answerAuth(
  request: AuthRequest,
  call: TokenCall,
  context: TokenContext,
): Promise<TokenAnswer | PendingAnswer | InboxAnswer> {
  if (request.answer === 'inbox') return answerInbox(request, call, context)
  const decided = await decideAccess(request, call, context)
  if (decided.outcome === 'direct') return decided.answer
  if (decided.outcome === 'approval')
    return askAboutCallInBrowser(decided.asked, { wayBack: request, call, count: call.once }, context)
  return askInBrowser(decided.request, { wayBack: request, call, count: call.once }, context)
}

/**
 * Verifies and decides an access. A direct grant is stored and its tokens are issued. Where a user decides, nothing is stored yet,
 * and the replay check is still to come.
 * @throws AAuthError with the code of protocol §8
 */
export async function decideAccess(
  request: AccessRequest,
  call: TokenCall,
  context: TokenContext,
): Promise<DecidedAccess> {
  const { issuer, now, development } = context
  const { caller, discovery } = call
  const access = await requestedAccess(request, caller, { issuer: issuer.issuer, discovery, now: now(), development })
  const { purpose, purposes, login_hint } = request
  if (purposes !== undefined) await checkPurposes(purposes, access, discovery)
  if (isCall(access)) {
    const asked = await decideCall(access, { purpose, purposes, login_hint, answer: 'page', call }, context)
    return { outcome: 'approval', asked }
  }
  const principal = principalOf(caller)
  const asked = { ...access, purpose, purposes }
  const { decision, conditions: operator } = await decideNew(policyRequest(principal, asked), context)
  // Before a user is asked: what a condition forbids anyway is no question.
  const conditions = await tokenConditions({ caller, ...asked, operator }, { discovery, now: now() })
  if (decision === 'direct') {
    await call.once()
    return { outcome: 'direct', answer: await grantDirectly(asked, { caller, conditions }, context) }
  }
  const { delegation } = caller
  return { outcome: 'consent', request: { principal, ...asked, login_hint, delegation, ...peerOf(caller) } }
}

/** Only the approval of a single call waits in an inbox: access is decided by a user who is there. */
async function answerInbox(request: AuthRequest, call: TokenCall, context: TokenContext): Promise<InboxAnswer> {
  const { caller, discovery } = call
  const { issuer, now, development } = context
  const access = await requestedAccess(request, caller, { issuer: issuer.issuer, discovery, now: now(), development })
  if (!isCall(access)) throw inboxRefusal()
  const { purpose, purposes } = request
  if (purposes !== undefined) await checkPurposes(purposes, access, discovery)
  const asked = await decideCall(access, { purpose, purposes, answer: 'inbox', call }, context)
  return askAboutCallInInbox(asked, call, context)
}

async function grantDirectly(
  { resource, scope, txn, purpose, purposes }: RequestedAccess & Pick<AccessRequest, 'purpose' | 'purposes'>,
  { caller, conditions }: { readonly caller: TokenCall['caller']; readonly conditions: Conditions },
  { grants, issuer, now, report }: TokenContext,
): Promise<TokenAnswer> {
  const principal = principalOf(caller)
  const grant: Grant = { id: newGrantId(), resource, scope: serializeScope(scope), purpose, purposes, txn }
  const token = { caller, resource, scope, txn, grant: grant.id, purposes, conditions }
  const issued = await issueAuthToken(issuer, token, now())
  // On disk before it is answered: a crash must not lose a refresh token that an agent holds.
  const facts = { ...grantFacts(principal, grant), ...conditionFacts(conditions), jti: issued.jti }
  const refresh_token = await grants.add(principal, grant, tx =>
    report.within(tx, { type: 'granted', by: 'policy', ...facts }),
  )
  return { auth_token: issued.auth_token, expires_in: issued.expires_in, refresh_token }
}
