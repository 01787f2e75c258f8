import { AAuthError, missingScope, parseScope } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import { issueAuthToken } from '../grant/auth-token.js'
import { decideAgain, policyRequest, principalOf } from '../grant/decide.js'
import { grantFacts } from '../grant/grants.js'
import type { TokenAnswer, TokenContext } from './token-context.js'
import type { RefreshRequest } from './token-request.js'

/**
 * Answers `request_type=refresh`: a new auth token for the grant, with its user and claims, bound to the key of this request.
 * @throws AAuthError `invalid_grant`, `invalid_scope`, `access_denied`
 * @see protocol §6.2, §5 "Refresh token"
 */
export async function answerRefresh(
  request: RefreshRequest,
  caller: IdentifiedCaller,
  { grants, issuer, policy, now, onEvent }: TokenContext,
): Promise<TokenAnswer> {
  const principal = principalOf(caller)
  const grant = await grants.find(principal, request.refresh_token)
  if (grant === undefined) throw grantRefusal()
  const scope = narrowedScope(request.scope, parseScope(grant.scope))
  // The audit id stays that of the grant, and so does that of what others do for it.
  const { resource, purpose, user, id, txn } = grant
  await decideAgain(policyRequest(principal, { resource, scope, purpose, user: user?.sub }), policy)
  const issued = await issueAuthToken(issuer, { caller, resource, scope, user, txn, grant: id }, now())
  // A revocation in the meantime wins: the token that was just signed is not sent.
  if (!(await grants.use(request.refresh_token))) throw grantRefusal()
  onEvent({ type: 'refreshed', ...grantFacts(principal, grant), scope, jti: issued.jti })
  return { auth_token: issued.auth_token, expires_in: issued.expires_in }
}

function narrowedScope(asked: string | undefined, granted: readonly string[]): readonly string[] {
  if (asked === undefined) return granted
  const scope = parseScope(asked)
  if (missingScope(granted, scope).length > 0) {
    throw new AAuthError('invalid_scope', 'scope holds a name that the refresh token does not stand for')
  }
  return scope
}

/** One text for every cause: a caller must not learn that another agent has this token. */
function grantRefusal(): AAuthError {
  return new AAuthError('invalid_grant', 'the refresh token is unknown, ended, or not of this caller')
}
