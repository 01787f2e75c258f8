import type { Conditions } from '@countersign/conditions'
import { parseScope } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { IdentifiedCaller } from '@countersign/verify'
import type { ExchangeContext } from '../exchange/exchange.js'
import { conditionsIn, purposesIn } from '../mandate/conditions-text.js'
import { consentKey } from '../request/decide-row.js'
import { type RequestOf, type StoredRequest, upstreamOf } from '../request/read-request.js'
import { requestFacts } from '../request/requests.js'
import { codeRefusal } from '../secret/request-token.js'
import type { CodeOutcome, CodeToken } from './code-outcome.js'
import { policyRequestOf, ruleFor } from './exchange-answer.js'
import { issueExchanged, type VerifiedExchange } from './exchange-token.js'
import type { TokenCall, TokenContext } from './token-context.js'

type Call = Pick<TokenCall, 'caller' | 'discovery'>
type Context = TokenContext & { readonly exchange: ExchangeContext }

/** What the code of an exchange gives: a token that ends with the upstream one, and no refresh token. @see protocol §7 */
export function exchangeOutcome(row: RequestOf<'exchange'>, call: Call, context: Context): CodeOutcome {
  const { exchange, now, report } = context
  return {
    issue: () => issueFor(row, call, context),

    async repeated() {
      const user = await findConsentingUser(row, exchange)
      return user === undefined ? undefined : { type: 'repeated', ...allowedFacts(row), user }
    },

    async endReused() {
      const { user_sub, granted_scope, status, expires } = row
      if (status !== 'redeemed' || expires > now() || user_sub === null || granted_scope === null) return
      const facts = { ...allowedFacts(row), user: user_sub }
      await exchange.forget(consentKey(row, user_sub), parseScope(granted_scope), tx =>
        report.within(tx, { type: 'alarm', reason: 'code-reused', ...facts }),
      )
    },
  }
}

/** Checks rules, policy and grants once more: they may have changed while the user decided. */
async function issueFor(row: RequestOf<'exchange'>, call: Call, context: Context): Promise<CodeToken> {
  const { verified, operator } = await recheckExchange(row, call.caller, context)
  const chosen = conditionsIn(row.conditions)
  const { discovery } = call
  return issueExchanged(verified, { decision: 'code', request: row.id, operator, chosen, discovery }, context)
}

/**
 * The exchange that the user allowed, checked as it was when it was asked for, and today's conditions of the operator.
 * @throws AAuthError `invalid_grant`, `access_denied`, `invalid_auth_token`
 */
export async function recheckExchange(
  row: StoredRequest,
  caller: IdentifiedCaller,
  { exchange, now }: Context,
): Promise<{ readonly verified: VerifiedExchange; readonly operator: Conditions }> {
  const verified = await findAllowedExchange(row, caller, exchange)
  if (verified === undefined) throw codeRefusal()
  await exchange.ownMandates.check(verified.upstream, { caller: caller.agent, user: verified.user?.sub })
  const { conditions: operator } = await exchange.decide(policyRequestOf(verified), ruleFor(verified, exchange))
  if (verified.upstream.exp <= now()) {
    throw refusal('upstream_expired')
  }
  return { verified, operator }
}

/** The exchange that the user allowed; undefined where the upstream user is another user's by now. */
async function findAllowedExchange(
  row: StoredRequest,
  caller: IdentifiedCaller,
  exchange: ExchangeContext,
): Promise<VerifiedExchange | undefined> {
  const upstream = upstreamOf(row)
  if (upstream === undefined || row.granted_scope === null) return undefined
  const user = await exchange.userOf(upstream)
  if (user === undefined || user.sub !== row.user_sub) return undefined
  const { resource, txn, purpose } = row
  return {
    caller,
    upstream,
    user,
    access: { resource, scope: parseScope(row.granted_scope), txn: txn ?? undefined },
    purpose: purpose ?? undefined,
    purposes: purposesIn(row.purposes),
  }
}

/** The user, while the consent stands: without it, the answer is not repeated. */
async function findConsentingUser(row: RequestOf<'exchange'>, exchange: ExchangeContext): Promise<string | undefined> {
  const { user_sub, granted_scope } = row
  if (user_sub === null || granted_scope === null) return undefined
  const scope = parseScope(granted_scope)
  const held = await exchange.remembered(consentKey(row, user_sub), scope)
  return held.scope.length === scope.length ? user_sub : undefined
}

/** How an event names what the user allowed. */
function allowedFacts(row: RequestOf<'exchange'>): ReturnType<typeof requestFacts> {
  return { ...requestFacts(row), scope: parseScope(row.granted_scope ?? row.scope) }
}
