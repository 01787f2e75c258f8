import { AAuthError } from '@countersign/protocol'
import { type IdentifiedCaller, peerOf } from '@countersign/verify'
import type { AuthServerEvent } from '../event.js'
import { type ExchangeContext, exchangeFacts, upstreamFacts } from '../exchange/exchange.js'
import { type Upstream, verifyUpstreamToken } from '../exchange/upstream-token.js'
import { type IssuedToken, issueAuthToken } from '../grant/auth-token.js'
import type { ConsentKey } from '../grant/consents.js'
import { policyDenial, policyRequest, principalOf } from '../grant/decide.js'
import { asksIdentity, checkIdentityScopes, identityClaims } from '../grant/identity-claims.js'
import type { User } from '../login/users.js'
import { chainName, checkChain } from '../mandate/chain.js'
import type { PolicyRequest } from '../policy.js'
import { redemptionHash } from '../request-token.js'
import { askInBrowser, type PendingAnswer } from './pending-answer.js'
import { type RequestedAccess, requestedAccess } from './requested-access.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { ExchangeRequest } from './token-request.js'

/** An exchange request whose tokens are all verified. */
export interface VerifiedExchange {
  readonly caller: IdentifiedCaller
  readonly access: RequestedAccess
  /** The audit id of the resource token, where the upstream token has another. */
  readonly resource_txn?: string | undefined
  readonly upstream: Upstream
  /** The user here, where the upstream user is known. */
  readonly user?: User | undefined
  readonly purpose?: string | undefined
}

/**
 * Answers `request_type=exchange`: issues the token at once, or lets the user decide.
 * @throws AAuthError with the code of protocol §8
 * @see protocol §7
 */
export async function answerExchange(
  request: ExchangeRequest,
  call: TokenCall,
  context: TokenContext,
): Promise<TokenAnswer | PendingAnswer> {
  const { exchange } = context
  if (exchange === undefined) throw new AAuthError('unsupported_request_type', 'this auth server exchanges no tokens')
  const verified = await verifyExchange(request, call, { ...context, exchange })
  const { access, upstream, user } = verified
  call.note({ exchange: exchangeFacts(upstream), ...txnsOf(verified) })
  const rule = ruleFor(verified, exchange)
  checkChain(upstream.act, { caller: verified.caller.agent, downstream: access.resource })
  await exchange.ownMandates.check(upstream, verified.caller.agent, user?.sub)
  checkIdentityScopes(access.scope)
  const decision = await exchange.decide(policyRequestOf(verified), rule)
  // Identity scopes need the user's consent even where the rules say `direct`.
  if (decision === 'direct' && !asksIdentity(newlyAsked(verified)))
    return answerAtOnce(verified, { decision: 'rule' }, context)
  if (upstream.sub === undefined || context.users === 'none') {
    throw policyDenial(
      policyRequestOf(verified),
      'this needs the consent of a user, and the upstream token names none who can sign in here',
    )
  }
  if (user !== undefined && (await isRemembered(verified, user, exchange))) {
    return answerAtOnce(verified, { decision: 'remembered' }, context)
  }
  return askUser(request, verified, { call, exchange, context })
}

/** The checks of protocol §7 of the request itself, in that order. */
async function verifyExchange(
  request: ExchangeRequest,
  { caller, discovery, once }: TokenCall,
  context: TokenContext & { readonly exchange: ExchangeContext },
): Promise<VerifiedExchange> {
  const { issuer, exchange, development } = context
  const now = context.now()
  // By hash: a count is kept for a while, and a token must not be.
  const name = redemptionHash([caller.agent, request.upstream_token])
  exchange.limit.check(name)
  const access = await requestedAccess({ resource_token: request.resource_token }, caller, {
    issuer: issuer.issuer,
    discovery,
    now,
    development,
  })
  const upstream = await verifyUpstreamToken(request.upstream_token, {
    caller: caller.agent,
    issuer: issuer.issuer,
    issuers: exchange.rules.issuers,
    directory: exchange.withOwnKeys(discovery),
    now,
    development,
  })
  // Before counting: a replayed request must not use up the limit of the agent it was captured from.
  await once()
  // After verifying: forged tokens must not push real counts out of memory.
  exchange.limit.take(name)
  const user = await exchange.userOf(upstream)
  const { purpose } = request
  const { txn = access.txn } = upstream
  const { resource, scope } = access
  const resource_txn = access.txn === txn ? undefined : access.txn
  return { caller, access: { resource, scope, txn }, resource_txn, upstream, user, purpose }
}

/** The audit ids of an exchange: that of the upstream token, and that of the resource token where it is another. */
function txnsOf({ access: { txn }, resource_txn }: VerifiedExchange): {
  readonly txn?: string
  readonly resource_txn?: string
} {
  return { ...(txn === undefined ? {} : { txn }), ...(resource_txn === undefined ? {} : { resource_txn }) }
}

/** @throws AAuthError `access_denied` where no rule allows all of it */
export function ruleFor(verified: VerifiedExchange, { rules }: ExchangeContext): 'direct' | 'consent' {
  const { caller, access, upstream } = verified
  const path = { upstream: upstream.iss, middle: caller.agent, downstream: access.resource }
  const decision = rules.decide({ ...path, upstreamScope: upstream.scope, scope: newlyAsked(verified) })
  if (decision !== undefined) return decision
  throw policyDenial(policyRequestOf(verified), 'no exchange rule allows this scope on this path')
}

/**
 * The scopes that a rule must allow. A token for a known user holds their `sub` anyway, so `openid` beside other scopes asks for
 * nothing new: resources repeat it with scopes that a token already has.
 */
function newlyAsked({ access: { scope }, user }: VerifiedExchange): readonly string[] {
  const others = scope.filter(name => name !== 'openid')
  return user === undefined || others.length === 0 ? scope : others
}

/** The question to a policy about an exchange. */
export function policyRequestOf({ caller, access, upstream, user, purpose }: VerifiedExchange): PolicyRequest {
  return policyRequest(principalOf(caller), {
    ...access,
    purpose,
    user: user?.sub,
    upstream: upstreamFacts(upstream),
  })
}

async function isRemembered(verified: VerifiedExchange, user: User, exchange: ExchangeContext): Promise<boolean> {
  const { scope } = verified.access
  return (await exchange.remembered(keyOf(verified, user), scope)).length === scope.length
}

function keyOf({ caller, access, upstream }: VerifiedExchange, user: User): ConsentKey {
  return {
    user_sub: user.sub,
    agent: caller.agent,
    agent_delegate: caller.delegate ?? '',
    resource: access.resource,
    chain: chainName(upstream.act),
  }
}

/** Answers with the token of a decided exchange. */
async function answerAtOnce(
  verified: VerifiedExchange,
  how: ExchangeDecision,
  context: TokenContext,
): Promise<TokenAnswer> {
  const { issued, granted } = await issueExchanged(verified, how, context)
  context.onEvent(granted)
  return { auth_token: issued.auth_token, expires_in: issued.expires_in }
}

/** Who decided an exchange, and the request that the user decided. */
export interface ExchangeDecision {
  readonly decision: 'rule' | 'remembered' | 'code'
  readonly request?: string
}

/** Signs the token of a decided exchange, for the key of this request; resolves with its event, too. */
export async function issueExchanged(
  verified: VerifiedExchange,
  how: ExchangeDecision,
  { issuer, now }: Pick<TokenContext, 'issuer' | 'now'>,
): Promise<{ readonly issued: IssuedToken; readonly granted: AuthServerEvent }> {
  const { caller, access, upstream, user } = verified
  const { resource, scope } = access
  const granted = user && { sub: user.sub, claims: identityClaims(scope, { ...user.claims }) }
  const issued = await issueAuthToken(
    issuer,
    { caller, ...access, user: granted, grant: upstream.grant, upstream },
    now(),
  )
  return {
    issued,
    granted: {
      type: 'granted',
      by: 'exchange',
      ...how,
      ...principalOf(caller),
      resource,
      scope,
      jti: issued.jti,
      ...(user === undefined ? {} : { user: user.sub }),
      exchange: exchangeFacts(upstream),
      ...txnsOf(verified),
    },
  }
}

function askUser(
  request: ExchangeRequest,
  verified: VerifiedExchange,
  o: { readonly call: TokenCall; readonly exchange: ExchangeContext; readonly context: TokenContext },
): Promise<PendingAnswer> {
  const { caller, access, resource_txn, upstream, purpose } = verified
  const asked = { principal: principalOf(caller), ...access, resource_txn, upstream, purpose, ...peerOf(caller) }
  const name = redemptionHash([caller.agent, upstream.iss, upstream.sub ?? ''])
  const count = (): void => o.exchange.questions.take(name)
  return askInBrowser(asked, { wayBack: request, call: o.call, count }, o.context)
}
