import { AAuthError, parseScope } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import { consentKey, requestFacts } from '../consent/requests.js'
import type { ExchangeContext } from '../exchange/exchange.js'
import { upstreamOf } from '../exchange/upstream-token.js'
import { codeRefusal } from '../request-token.js'
import type { RequestRow } from '../tables.js'
import type { CodeOutcome, CodeToken } from './code-outcome.js'
import { issueExchanged, policyRequestOf, ruleFor, type VerifiedExchange } from './exchange-answer.js'
import type { TokenContext } from './token-context.js'

type Context = TokenContext & { readonly exchange: ExchangeContext }

/** What the code of an exchange gives: a token that ends with the upstream one, and no refresh token. @see protocol §7 */
export function exchangeOutcome(row: RequestRow, caller: IdentifiedCaller, context: Context): CodeOutcome {
  const { exchange, now } = context
  return {
    issue: allowed => issueFor(allowed, caller, context),

    async repeated() {
      const user = await findConsentingUser(row, exchange)
      return user === undefined ? undefined : { type: 'repeated', ...allowedFacts(row), user }
    },

    async endReused() {
      const { user_sub, granted_scope, status, expires } = row
      if (status !== 'redeemed' || expires > now() || user_sub === null || granted_scope === null) return undefined
      await exchange.forget(consentKey(row, user_sub), parseScope(granted_scope))
      return { type: 'alarm', reason: 'code-reused', ...allowedFacts(row), user: user_sub }
    },
  }
}

/** Checks rules, policy and grants once more: they may have changed while the user decided. */
async function issueFor(row: RequestRow, caller: IdentifiedCaller, context: Context): Promise<CodeToken> {
  const { exchange, now } = context
  const verified = await findAllowedExchange(row, caller, exchange)
  if (verified === undefined) throw codeRefusal()
  await exchange.ownMandates.check(verified.upstream, caller.agent, verified.user?.sub)
  await exchange.decide(policyRequestOf(verified), ruleFor(verified, exchange))
  if (verified.upstream.exp <= now()) {
    throw new AAuthError(
      'invalid_grant',
      'the upstream token has expired: send an exchange with a new one, the consent is kept',
    )
  }
  return issueExchanged(verified, { decision: 'code', request: row.id }, context)
}

/** The exchange that the user allowed; undefined where the upstream user is another user's by now. */
async function findAllowedExchange(
  row: RequestRow,
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
  }
}

/** The user, while the consent stands: without it, the answer is not repeated. */
async function findConsentingUser(row: RequestRow, exchange: ExchangeContext): Promise<string | undefined> {
  const { user_sub, granted_scope } = row
  if (user_sub === null || granted_scope === null) return undefined
  const scope = parseScope(granted_scope)
  const held = await exchange.remembered(consentKey(row, user_sub), scope)
  return held.length === scope.length ? user_sub : undefined
}

/** How an event names what the user allowed. */
function allowedFacts(row: RequestRow): ReturnType<typeof requestFacts> {
  return { ...requestFacts(row), scope: parseScope(row.granted_scope ?? row.scope) }
}
