import type { Discovery } from '@countersign/discovery'
import { AAuthError, missingScope, parseScope, serializeScope } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import { type AuthTokenIssuer, type IssuedToken, issueAuthToken } from './auth-token.js'
import type { AuthServerEvent } from './event.js'
import { type Grant, type Grants, newGrantId } from './grants.js'
import type { Policy, PolicyRequest } from './policy.js'
import { requestedAccess } from './requested-access.js'
import type { DirectRequest, RefreshRequest, ResourceTokenRequest, TokenRequest } from './token-request.js'

/** What the token endpoint decides with. */
export interface TokenContext {
  readonly issuer: AuthTokenIssuer
  readonly grants: Grants
  readonly policy: Policy
  readonly now: () => number
  readonly development: boolean
  readonly onEvent: (event: AuthServerEvent) => void
}

/** A token endpoint's answer. */
export interface TokenAnswer {
  readonly auth_token: string
  /** Seconds. */
  readonly expires_in: number
  /** Given with a new grant only. */
  readonly refresh_token?: string
}

/**
 * Decides one token request of a verified caller.
 * @throws AAuthError with the code of protocol §8
 * @see protocol §6.2
 */
export function tokenAnswer(
  request: TokenRequest,
  caller: IdentifiedCaller,
  discovery: Discovery,
  context: TokenContext,
): Promise<TokenAnswer> {
  return request.request_type === 'auth'
    ? answerAuth(request, caller, discovery, context)
    : answerRefresh(request, caller, context)
}

async function answerAuth(
  request: ResourceTokenRequest | DirectRequest,
  caller: IdentifiedCaller,
  discovery: Discovery,
  context: TokenContext,
): Promise<TokenAnswer> {
  const { grants, issuer, now, development } = context
  const access = await requestedAccess(request, caller, { issuer: issuer.issuer, discovery, now: now(), development })
  const { resource, txn } = access
  const purpose = request.purpose === undefined ? {} : { purpose: request.purpose }
  await decide(context.policy, { ...principalOf(caller), resource, scope: access.scope, ...purpose })
  const grant: Grant = { id: newGrantId(), resource, scope: serializeScope(access.scope), ...purpose }
  const issued = await issueAuthToken(issuer, {
    caller,
    resource,
    scope: grant.scope,
    ...(txn === undefined ? {} : { txn }),
    now: now(),
  })
  // Answered only once it is on disk: a crash after this line loses no refresh token an agent holds.
  const refresh_token = await grants.add(principalOf(caller), grant)
  report('granted', { caller, grant, scope: access.scope, issued }, context)
  return { auth_token: issued.auth_token, expires_in: issuer.lifetime, refresh_token }
}

async function answerRefresh(
  request: RefreshRequest,
  caller: IdentifiedCaller,
  context: TokenContext,
): Promise<TokenAnswer> {
  const { grants, issuer, now } = context
  const grant = await grants.find(principalOf(caller), request.refresh_token)
  if (grant === undefined) throw refusedGrant()
  const scope = narrowedScope(request.scope, parseScope(grant.scope))
  const { resource, purpose } = grant
  await decide(context.policy, {
    ...principalOf(caller),
    resource,
    scope,
    ...(purpose === undefined ? {} : { purpose }),
  })
  const issued = await issueAuthToken(issuer, { caller, resource, scope: serializeScope(scope), now: now() })
  // A revocation that was answered in the meantime wins: the token just signed goes nowhere.
  if (!(await grants.use(request.refresh_token))) throw refusedGrant()
  report('refreshed', { caller, grant, scope, issued }, context)
  return { auth_token: issued.auth_token, expires_in: issuer.lifetime }
}

/** Asked anew at every refresh: a policy that was tightened binds old grants too. Anything but `direct` is a no. */
async function decide(policy: Policy, request: PolicyRequest): Promise<void> {
  if ((await policy(request)) === 'direct') return
  const { resource, scope } = request
  throw new AAuthError('access_denied', 'the policy of this auth server does not allow this', {
    cause: { resource, scope },
  })
}

function narrowedScope(asked: string | undefined, granted: readonly string[]): readonly string[] {
  if (asked === undefined) return granted
  const scope = parseScope(asked)
  if (missingScope(granted, scope).length > 0) {
    throw new AAuthError('invalid_scope', 'scope holds a name that the refresh token does not stand for')
  }
  return scope
}

/** One text for every cause: whether a token is unknown, ended or someone else's is nobody's business. */
function refusedGrant(): AAuthError {
  return new AAuthError('invalid_grant', 'the refresh token is unknown, ended, or not of this caller')
}

function principalOf({ agent, delegate }: IdentifiedCaller): { agent: string; delegate?: string } {
  return { agent, ...(delegate === undefined ? {} : { delegate }) }
}

function report(
  type: 'granted' | 'refreshed',
  what: {
    readonly caller: IdentifiedCaller
    readonly grant: Grant
    readonly scope: readonly string[]
    readonly issued: IssuedToken
  },
  context: TokenContext,
): void {
  const { caller, grant, scope, issued } = what
  context.onEvent({
    type,
    ...principalOf(caller),
    resource: grant.resource,
    scope,
    grant: grant.id,
    jti: issued.jti,
  })
}
