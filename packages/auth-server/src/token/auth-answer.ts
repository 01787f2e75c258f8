import { serializeScope } from '@countersign/protocol'
import { peerOf } from '@countersign/verify'
import type { NewRequest } from '../consent/requests.js'
import { issueAuthToken } from '../grant/auth-token.js'
import { decideNew, policyRequest, principalOf } from '../grant/decide.js'
import type { Grant } from '../grant/grant.js'
import { grantFacts, newGrantId } from '../grant/grants.js'
import { askInBrowser, type PendingAnswer } from './pending-answer.js'
import { type RequestedAccess, requestedAccess } from './requested-access.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { AccessRequest, AuthRequest } from './token-request.js'

/** How an access is decided: at once, or by a user who is still to be asked. */
export type DecidedAccess =
  | { readonly outcome: 'direct'; readonly answer: TokenAnswer }
  | { readonly outcome: 'consent'; readonly request: NewRequest }

/**
 * Answers `request_type=auth`: with tokens where policy grants it, with a request token where a user decides.
 * @throws AAuthError with the code of protocol §8
 * @see protocol §6.2
 */
export async function answerAuth(
  request: AuthRequest,
  call: TokenCall,
  context: TokenContext,
): Promise<TokenAnswer | PendingAnswer> {
  const decided = await decideAccess(request, call, context)
  if (decided.outcome === 'direct') return decided.answer
  return askInBrowser(decided.request, { wayBack: request, call, count: call.once }, context)
}

/**
 * Verifies and decides an access. A direct grant is stored and its tokens are issued. Where a user decides, nothing is stored yet,
 * and the replay check is still to come.
 * @throws AAuthError with the code of protocol §8
 */
export async function decideAccess(
  request: AccessRequest,
  { caller, discovery, once }: TokenCall,
  context: TokenContext,
): Promise<DecidedAccess> {
  const { issuer, now, development } = context
  const access = await requestedAccess(request, caller, { issuer: issuer.issuer, discovery, now: now(), development })
  const { purpose, login_hint } = request
  const principal = principalOf(caller)
  if ((await decideNew(policyRequest(principal, { ...access, purpose }), context)) === 'direct') {
    await once()
    return { outcome: 'direct', answer: await grantDirectly(access, { caller, purpose }, context) }
  }
  return { outcome: 'consent', request: { principal, ...access, purpose, login_hint, ...peerOf(caller) } }
}

async function grantDirectly(
  { resource, scope, txn }: RequestedAccess,
  { caller, purpose }: { readonly caller: TokenCall['caller']; readonly purpose: string | undefined },
  { grants, issuer, now, onEvent }: TokenContext,
): Promise<TokenAnswer> {
  const principal = principalOf(caller)
  const grant: Grant = { id: newGrantId(), resource, scope: serializeScope(scope), purpose, txn }
  const issued = await issueAuthToken(issuer, { caller, resource, scope, txn, grant: grant.id }, now())
  // On disk before it is answered: a crash must not lose a refresh token that an agent holds.
  const refresh_token = await grants.add(principal, grant)
  onEvent({ type: 'granted', by: 'policy', ...grantFacts(principal, grant), jti: issued.jti })
  return { auth_token: issued.auth_token, expires_in: issued.expires_in, refresh_token }
}
