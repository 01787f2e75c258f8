import { AAuthError, parseScope } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import { askedIn, consentKey } from '../consent/requests.js'
import type { Exchange } from '../exchange/exchange.js'
import { upstreamOf } from '../exchange/upstream-token.js'
import { principalOf } from '../grant/decide.js'
import { codeOf, isCode, redemptionHash, refusedCode } from '../request-token.js'
import type { RequestRow } from '../tables.js'
import { type Passage, pass, policyRequest, ruleFor } from './exchange-answer.js'
import { repeatFor } from './repeats.js'
import type { TokenAnswer, TokenContext } from './token-context.js'
import type { CodeRequest } from './token-request.js'

/**
 * Answers `request_type=code` where the code is of an exchange: the token that the user allowed, and no refresh token.
 * Undefined where it is not.
 * @throws AAuthError `invalid_grant`, `access_denied`
 * @see protocol §6.2, §7
 */
export async function answerExchangeCode(
  request: CodeRequest,
  caller: IdentifiedCaller,
  context: TokenContext,
): Promise<TokenAnswer | undefined> {
  const { exchange, requests, repeats, onEvent } = context
  if (exchange === undefined) return undefined
  const row = await requests.find(request.request_token)
  if (row === undefined || row.upstream === null) return undefined
  if (!isTheirs(request, row, caller)) throw refusedCode()
  const { agent, delegate = '' } = principalOf(caller)
  const key = redemptionHash(['exchange', request.request_token, request.code, agent, delegate, caller.key.thumbprint])
  const { answer, kind } = await repeats.answer(key, () => redeem(row, caller, { ...context, exchange }))
  if (kind === 'repeat') {
    const user = await whoStillAllows(row, exchange)
    if (user === undefined) throw refusedCode()
    onEvent({ type: 'repeated', ...grantedIn(row), user })
  }
  return answer
}

function isTheirs({ code, redirect_uri, request_token }: CodeRequest, row: RequestRow, caller: IdentifiedCaller) {
  const { agent, delegate = '' } = principalOf(caller)
  const isOwner = row.agent === agent && row.agent_delegate === delegate && row.redirect_uri === redirect_uri
  return isOwner && row.code_secret !== null && isCode(code, codeOf(request_token, row.code_secret))
}

type Context = TokenContext & { readonly exchange: Exchange }

async function redeem(row: RequestRow, caller: IdentifiedCaller, context: Context): Promise<TokenAnswer> {
  const { exchange, now } = context
  if (row.status === 'redeemed') return refuseAgain(row, context)
  if (row.status !== 'granted' || row.expires <= now()) throw refusedCode()
  const passage = await passageOf(row, caller, exchange)
  if (passage === undefined) throw refusedCode()
  // All of it anew: rules, policy and grants may have been withdrawn while the user thought.
  await exchange.ownMandates.check(passage.upstream, caller.agent, passage.user?.sub)
  await exchange.decide(policyRequest(passage), ruleFor(passage, exchange))
  if (passage.upstream.exp <= now()) {
    throw new AAuthError(
      'invalid_grant',
      'the upstream token has expired; what the user allowed is kept for the next one',
    )
  }
  if (!(await exchange.take(row, now() + repeatFor))) throw refusedCode()
  return pass(passage, { decision: 'code', request: row.id }, context)
}

/** The passage that the user allowed; undefined where the user is no longer the one it is for. */
async function passageOf(row: RequestRow, caller: IdentifiedCaller, exchange: Exchange): Promise<Passage | undefined> {
  const upstream = upstreamOf(row)
  if (upstream === undefined || row.granted_scope === null) return undefined
  const user = await exchange.userOf(upstream)
  if (user === undefined || user.sub !== row.user_sub) return undefined
  const { resource, txn, purpose } = row
  return {
    ...{ caller, upstream, user },
    access: { resource, scope: parseScope(row.granted_scope), ...(txn === null ? {} : { txn }) },
    ...(purpose === null ? {} : { purpose }),
  }
}

/** Used again after the minute in which an answer may have been lost: somebody else has the code, so the consent ends. */
async function refuseAgain(row: RequestRow, { exchange, now, onEvent }: Context): Promise<never> {
  const { user_sub } = row
  if (row.expires <= now() && user_sub !== null && row.granted_scope !== null) {
    await exchange.forget(consentKey(row, user_sub), parseScope(row.granted_scope))
    onEvent({ type: 'alarm', reason: 'code-reused', ...grantedIn(row), user: user_sub })
  }
  throw refusedCode()
}

/** A consent that was forgotten ends the repeat of its code. */
async function whoStillAllows(row: RequestRow, exchange: Exchange): Promise<string | undefined> {
  const { user_sub, granted_scope } = row
  if (user_sub === null || granted_scope === null) return undefined
  const scope = parseScope(granted_scope)
  const held = await exchange.remembered(consentKey(row, user_sub), scope)
  return held.length === scope.length ? user_sub : undefined
}

/** How an event names what the user allowed. */
function grantedIn(row: RequestRow): ReturnType<typeof askedIn> {
  return { ...askedIn(row), scope: parseScope(row.granted_scope ?? row.scope) }
}
