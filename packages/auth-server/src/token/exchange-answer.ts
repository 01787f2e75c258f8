import { refusal } from '@countersign/protocol/internal'
import { peerOf } from '@countersign/verify/internal'
import { type ExchangeContext, exchangeFacts, upstreamFacts } from '../exchange/exchange.js'
import { type Upstream, verifyUpstreamToken } from '../exchange/upstream-token.js'
import type { RememberedYes } from '../grant/consents.js'
import { policyDenial, policyRequest, principalOf } from '../grant/decide.js'
import { asksIdentity, checkIdentityScopes } from '../grant/identity-claims.js'
import { chainOf, checkChain } from '../mandate/chain.js'
import { countsPerGrant } from '../mandate/counts-per-grant.js'
import type { PolicyRequest } from '../policy/policy.js'
import { redemptionHash } from '../secret/request-token.js'
import type { User } from '../users/users.js'
import { askAboutCallInBrowser } from './ask-about-call.js'
import { approverMissing, type CallAccess, isCall, questionOf, requestedOf } from './decide-call.js'
import {
  conditionsFor,
  type ExchangeDecision,
  type ExchangingContext,
  issueExchanged,
  keyOf,
  txnsOf,
  type VerifiedExchange,
} from './exchange-token.js'
import { askInBrowser, type PendingAnswer } from './pending-answer.js'
import { checkPurposes, requestedAccess } from './requested-access.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { ExchangeRequest } from './token-request.js'

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
  if (exchange === undefined) throw refusal('request_type_unsupported')
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
    throw policyDenial(policyRequestOf(verified), 'user_unavailable')
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
  if (request.purposes !== undefined) await checkPurposes(request.purposes, access, discovery)
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
  throw refusal('condition_purpose', {
    code: 'access_denied',
    about: 'purposes has a name that the upstream token lacks',
  })
}

/** @throws AAuthError `access_denied` where no rule allows all of it */
export function ruleFor(verified: VerifiedExchange, { rules }: ExchangeContext): 'direct' | 'consent' {
  const { caller, access, upstream } = verified
  const path = { upstream: upstream.iss, middle: caller.agent, downstream: access.resource }
  const decision = rules.decide({ ...path, upstreamScope: upstream.scope, scope: newlyAsked(verified) })
  if (decision !== undefined) return decision
  throw policyDenial(policyRequestOf(verified), 'exchange_not_allowed')
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

/** Answers with the token of a decided exchange. */
async function answerAtOnce(
  verified: VerifiedExchange,
  how: ExchangeDecision,
  context: ExchangingContext,
): Promise<TokenAnswer> {
  const { issued } = await issueExchanged(verified, how, context)
  return { auth_token: issued.auth_token, expires_in: issued.expires_in }
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
