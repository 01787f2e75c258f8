import type { Conditions } from '@countersign/conditions'
import type { Discovery } from '@countersign/discovery'
import { AAuthError } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import { peerOf } from '@countersign/verify/internal'
import type { AuthServerEvent } from '../event.js'
import { type ExchangeContext, exchangeFacts, upstreamFacts } from '../exchange/exchange.js'
import { type Upstream, verifyUpstreamToken } from '../exchange/upstream-token.js'
import { type IssuedToken, issueAuthToken } from '../grant/auth-token.js'
import type { ConsentKey, RememberedYes } from '../grant/consents.js'
import { policyDenial, policyRequest, principalOf } from '../grant/decide.js'
import { asksIdentity, checkIdentityScopes, identityClaims } from '../grant/identity-claims.js'
import { conditionFacts, tokenConditions } from '../grant/token-conditions.js'
import type { User } from '../login/users.js'
import { chainName, chainOf, checkChain } from '../mandate/chain.js'
import { countsPerGrant } from '../mandate/counts-per-grant.js'
import type { PolicyRequest } from '../policy.js'
import { redemptionHash } from '../request-token.js'
import { askAboutCallInBrowser } from './ask-about-call.js'
import { approverMissing, type CallAccess, isCall, questionOf, requestedOf } from './decide-call.js'
import { askInBrowser, type PendingAnswer } from './pending-answer.js'
import { checkPurposes, type RequestedAccess, requestedAccess } from './requested-access.js'
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
  readonly purposes?: readonly string[] | undefined
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
  if (exchange === undefined)
    throw new AAuthError('unsupported_request_type', 'this auth server exchanges no tokens', {
      reason: 'request_type_unsupported',
    })
  const verified = await verifyExchange(request, call, { ...context, exchange })
  const { access, upstream, user } = verified
  call.note({ exchange: exchangeFacts(upstream), ...txnsOf(verified) })
  // A blocked agent must not get on through one that is not.
  await context.blocks.check({ agents: chainOf(upstream.act), user: user?.sub })
  const rule = ruleFor(verified, exchange)
  checkChain(upstream.act, { caller: verified.caller.agent, downstream: access.resource })
  await exchange.ownMandates.check(upstream, { caller: verified.caller.agent, user: user?.sub })
  checkIdentityScopes(access.scope)
  if (user !== undefined)
    await context.approvals.checkStopped({ user_sub: user.sub, agent: call.caller.agent, resource: access.resource })
  const { decision, conditions: operator } = await exchange.decide(policyRequestOf(verified), rule)
  const terms = { operator, discovery: call.discovery }
  // Before a user is asked: what a condition forbids anyway is no question.
  await conditionsFor(verified, terms, context)
  if (isCall(access)) return askAboutExchangedCall(request, { ...verified, access }, { call, exchange, context })
  // Identity scopes need the user's consent even where the rules say `direct`.
  if (decision === 'direct' && !asksIdentity(newlyAsked(verified)))
    return answerAtOnce(verified, { decision: 'rule', ...terms }, { ...context, exchange })
  if (upstream.sub === undefined || context.users === 'none') {
    throw policyDenial(
      policyRequestOf(verified),
      'user_unavailable',
      'this needs the consent of a user, and the upstream token names none who can sign in here',
    )
  }
  // A count for the life of a grant would begin anew with one that memory gives (DEL-39).
  const yes = user === undefined || countsPerGrant(operator) ? undefined : await rememberedFor(verified, user, exchange)
  if (yes !== undefined)
    return answerAtOnce(verified, { decision: 'remembered', yes, ...terms }, { ...context, exchange })
  return askUser(request, verified, { call, exchange, context })
}

/** The checks of protocol §7 of the request itself, in that order. */
async function verifyExchange(
  request: ExchangeRequest,
  { caller, discovery, once }: TokenCall,
  context: ExchangingContext,
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
  await checkPurposes(request.purposes, access, discovery)
  checkUpstreamPurposes(request.purposes, upstream)
  const user = await exchange.userOf(upstream)
  const { purpose, purposes } = request
  const { txn = access.txn } = upstream
  const resource_txn = access.txn === txn ? undefined : access.txn
  return { caller, access: { ...access, txn }, resource_txn, upstream, user, purpose, purposes }
}

/** What was allowed for one purpose is not passed on for another (DEL-20). */
function checkUpstreamPurposes(asked: readonly string[] = [], { purposes = [] }: Upstream): void {
  if (asked.every(name => purposes.includes(name))) return
  throw new AAuthError('access_denied', 'purposes holds a name that the upstream token lacks', {
    reason: 'condition_purpose',
  })
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
  throw policyDenial(
    policyRequestOf(verified),
    'exchange_not_allowed',
    'no exchange rule allows this scope on this path',
  )
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
export function policyRequestOf(verified: VerifiedExchange): PolicyRequest {
  const { caller, access, upstream, user, purpose, purposes } = verified
  return policyRequest(principalOf(caller), {
    ...access,
    purpose,
    purposes,
    user: user?.sub,
    upstream: upstreamFacts(upstream),
  })
}

/** The yes that this user gave before to all of it. */
async function rememberedFor(
  verified: VerifiedExchange,
  user: User,
  exchange: ExchangeContext,
): Promise<RememberedYes | undefined> {
  const { scope } = verified.access
  const yes = await exchange.remembered(keyOf(verified, user), scope)
  return yes.scope.length === scope.length ? yes : undefined
}

function keyOf({ caller, access, upstream, purposes }: VerifiedExchange, user: User): ConsentKey {
  return {
    user_sub: user.sub,
    agent: caller.agent,
    agent_delegate: caller.delegate ?? '',
    resource: access.resource,
    chain: chainName(upstream.act),
    purposes,
  }
}

/** The context of a token endpoint that exchanges tokens. */
type ExchangingContext = TokenContext & { readonly exchange: ExchangeContext }

/** Answers with the token of a decided exchange. */
async function answerAtOnce(
  verified: VerifiedExchange,
  how: ExchangeDecision,
  context: ExchangingContext,
): Promise<TokenAnswer> {
  const { issued, granted } = await issueExchanged(verified, how, context)
  context.onEvent(granted)
  return { auth_token: issued.auth_token, expires_in: issued.expires_in }
}

/** Who decided an exchange, and the request that the user decided. */
export interface ExchangeDecision extends ExchangeTerms {
  readonly decision: 'rule' | 'remembered' | 'code'
  readonly request?: string
  /** The remembered yes that decided it. */
  readonly yes?: RememberedYes
}

/** What the conditions of an exchanged token come from, beside its tokens. */
export interface ExchangeTerms {
  readonly operator: Conditions
  /** What the user chose just now. */
  readonly chosen?: Conditions | undefined
  readonly discovery: Discovery
}

function conditionsFor(
  { caller, access, upstream, purposes }: VerifiedExchange,
  {
    operator,
    user,
    discovery,
  }: { readonly operator: Conditions; readonly user?: Conditions | undefined; readonly discovery: Discovery },
  { now }: Pick<TokenContext, 'now'>,
): Promise<Conditions> {
  return tokenConditions({ caller, ...access, purposes, operator, user, upstream }, { discovery, now: now() })
}

/** Signs the token of a decided exchange, for the key of this request; resolves with its event, too. */
export async function issueExchanged(
  verified: VerifiedExchange,
  how: ExchangeDecision,
  { issuer, now, exchange }: Pick<ExchangingContext, 'issuer' | 'now' | 'exchange'>,
): Promise<{ readonly issued: IssuedToken; readonly granted: AuthServerEvent }> {
  const { caller, access, upstream, user, purposes } = verified
  const { resource, scope } = access
  const { decision, request, yes, chosen = yes?.conditions, operator, discovery } = how
  const conditions = await conditionsFor(verified, { operator, user: chosen, discovery }, { now })
  const granted = user && { sub: user.sub, claims: identityClaims(scope, { ...user.claims }) }
  // Before the transaction that sees the upstream grant alive: the notice of its end must outlive this token.
  const at = now()
  const { agent, delegate } = caller
  const remembered = user === undefined || yes === undefined ? undefined : { key: keyOf(verified, user), yes }
  const decided = { upstream, agent, delegate, resource, user: user?.sub, remembered }
  const grant = await exchange.exchangedGrants.open(decided)
  const token = { caller, ...access, user: granted, grant, upstream, purposes, conditions }
  const issued = await issueAuthToken(issuer, token, at)
  return {
    issued,
    granted: {
      type: 'granted',
      by: 'exchange',
      decision,
      ...(request === undefined ? {} : { request }),
      ...principalOf(caller),
      resource,
      scope,
      jti: issued.jti,
      ...(user === undefined ? {} : { user: user.sub }),
      exchange: exchangeFacts(upstream),
      ...conditionFacts(conditions),
      ...txnsOf(verified),
    },
  }
}

/** Only the user whom the exchange is for may approve a call in its chain; they must be known here (APR-07). */
async function askAboutExchangedCall(
  wayBack: ExchangeRequest,
  verified: VerifiedExchange & { readonly access: CallAccess },
  o: { readonly call: TokenCall; readonly exchange: ExchangeContext; readonly context: TokenContext },
): Promise<PendingAnswer> {
  const { caller, access, resource_txn, upstream, purpose, purposes, user } = verified
  const { exchange, context } = o
  // Nor may a middle ask one of its users about a call that it made for another.
  const isForUser = user !== undefined && (access.call.sub ?? user.sub) === user.sub
  if (!isForUser || context.users === 'none' || !(await context.approvals.isUser(user.sub)))
    throw approverMissing(policyRequestOf(verified))
  const principal = principalOf(caller)
  const who = { user_sub: user.sub, holder: user.sub, agent_jkt: caller.key.thumbprint, known: true }
  const { delegation } = caller
  const about = { ...requestedOf(access), resource_txn, upstream, purpose, purposes, delegation }
  const request = { principal, ...about, ...peerOf(caller) }
  const count = (): void => exchange.questions.take(questionsOf(verified))
  return askAboutCallInBrowser(
    { request, question: questionOf(access.call, who) },
    { wayBack, call: o.call, count },
    context,
  )
}

/** Names the count of questions that a caller begins for one upstream user. */
function questionsOf({ caller, upstream }: VerifiedExchange): string {
  return redemptionHash([caller.agent, upstream.iss, upstream.sub ?? ''])
}

function askUser(
  request: ExchangeRequest,
  verified: VerifiedExchange,
  o: { readonly call: TokenCall; readonly exchange: ExchangeContext; readonly context: TokenContext },
): Promise<PendingAnswer> {
  const { caller, access, resource_txn, upstream, purpose, purposes } = verified
  const { delegation } = caller
  const about = { ...access, resource_txn, upstream, purpose, purposes, delegation }
  const asked = { principal: principalOf(caller), ...about, ...peerOf(caller) }
  const count = (): void => o.exchange.questions.take(questionsOf(verified))
  return askInBrowser(asked, { wayBack: request, call: o.call, count }, o.context)
}
