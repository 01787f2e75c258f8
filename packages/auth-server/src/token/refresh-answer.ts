import type { Also } from '@countersign/audit/internal'
import { type AAuthError, missingScope, parseScope } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { issueAuthToken } from '../grant/auth-token.js'
import { decideAgain, policyRequest, principalOf } from '../grant/decide.js'
import { countsAnew } from '../grant/going-on.js'
import { grantFacts } from '../grant/grants.js'
import { conditionFacts, tokenConditions } from '../grant/token-conditions.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { RefreshRequest } from './token-request.js'

/**
 * Answers `request_type=refresh`: a new auth token for the grant, with its user and claims, bound to the key of this request.
 * @throws AAuthError `invalid_grant`, `invalid_scope`, `access_denied`
 * @see protocol §6.2, §5 "Refresh token"
 */
export async function answerRefresh(
  request: RefreshRequest,
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): Promise<TokenAnswer> {
  // A revocation in the meantime wins: the token that was just signed is not sent. One that was narrowed continues under a new name.
  const answer = (await refresh(request, call, context)) ?? (await refresh(request, call, context))
  if (answer === undefined) throw grantRefusal()
  return answer
}

/** Resolves with undefined where the grant has ended, or was narrowed, while its token was signed. */
async function refresh(
  request: RefreshRequest,
  { caller, discovery }: Pick<TokenCall, 'caller' | 'discovery'>,
  { grants, issuer, policy, approvals, blocks, now, report }: TokenContext,
): Promise<TokenAnswer | undefined> {
  const principal = principalOf(caller)
  const grant = await grants.find(principal, request.refresh_token)
  if (grant === undefined) throw grantRefusal()
  const scope = narrowedScope(request.scope, parseScope(grant.scope))
  // The audit id stays that of the grant, and so does that of what others do for it.
  const { resource, purpose, purposes, user, id, txn } = grant
  await blocks.check({ user: user?.sub })
  // The grant is suspended while its user does not want to be asked.
  if (user !== undefined) await approvals.checkStopped({ user_sub: user.sub, agent: principal.agent, resource })
  const about = { resource, scope, purpose, purposes, user: user?.sub }
  const { conditions: operator } = await decideAgain(policyRequest(principal, about), policy)
  // Of today, of operator and delegate too: the grant keeps only what its user chose (DEL-50).
  const sources = { caller, resource, scope, purposes, operator, user: grant.conditions }
  const conditions = await tokenConditions(sources, { discovery, now: now() })
  if (countsAnew(grant, conditions)) throw grantRefusal()
  const token = { caller, resource, scope, user, txn, grant: id, purposes, conditions }
  const issued = await issueAuthToken(issuer, token, now())
  const facts = { ...grantFacts(principal, grant), scope, ...conditionFacts(conditions), jti: issued.jti }
  const also: Also = tx => report.within(tx, { type: 'refreshed', ...facts })
  if (!(await grants.use(request.refresh_token, id, also))) return undefined
  return { auth_token: issued.auth_token, expires_in: issued.expires_in }
}

function narrowedScope(asked: string | undefined, granted: readonly string[]): readonly string[] {
  if (asked === undefined) return granted
  const scope = parseScope(asked)
  if (missingScope(granted, scope).length > 0) {
    throw refusal('scope_not_allowed', { about: 'a name that the refresh token does not stand for' })
  }
  return scope
}

/** One text for every cause: a caller must not learn that another agent has this token. */
function grantRefusal(): AAuthError {
  return refusal('grant_invalid')
}
