import { AAuthError, parseScope } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import { askedIn, consentKey } from '../consent/requests.js'
import type { Exchange } from '../exchange/exchange.js'
import { upstreamOf } from '../exchange/upstream-token.js'
import { refusedCode } from '../request-token.js'
import type { RequestRow } from '../tables.js'
import type { CodeOutcome, CodeToken } from './code-outcome.js'
import { issuePassed, type Passage, policyRequestOf, ruleFor } from './exchange-answer.js'
import type { TokenContext } from './token-context.js'

type Context = TokenContext & { readonly exchange: Exchange }

/** What the code of an exchange gives: a token that ends with the upstream one, and no refresh token. @see protocol §7 */
export function exchangeOutcome(row: RequestRow, caller: IdentifiedCaller, context: Context): CodeOutcome {
  const { exchange, now } = context
  return {
    issue: allowed => issueFor(allowed, caller, context),

    async repeated() {
      const user = await whoStillAllows(row, exchange)
      return user === undefined ? undefined : { type: 'repeated', ...grantedIn(row), user }
    },

    async endReused() {
      const { user_sub, granted_scope, status, expires } = row
      if (status !== 'redeemed' || expires > now() || user_sub === null || granted_scope === null) return undefined
      await exchange.forget(consentKey(row, user_sub), parseScope(granted_scope))
      return { type: 'alarm', reason: 'code-reused', ...grantedIn(row), user: user_sub }
    },
  }
}

/** Checks rules, policy and grants once more: they may have changed while the user decided. */
async function issueFor(row: RequestRow, caller: IdentifiedCaller, context: Context): Promise<CodeToken> {
  const { exchange, now } = context
  const passage = await passageOf(row, caller, exchange)
  if (passage === undefined) throw refusedCode()
  await exchange.ownMandates.check(passage.upstream, caller.agent, passage.user?.sub)
  await exchange.decide(policyRequestOf(passage), ruleFor(passage, exchange))
  if (passage.upstream.exp <= now()) {
    throw new AAuthError(
      'invalid_grant',
      'the upstream token has expired; what the user allowed is kept for the next one',
    )
  }
  return issuePassed(passage, { decision: 'code', request: row.id }, context)
}

/** The exchange that the user allowed; undefined where the upstream user is another user's by now. */
async function passageOf(row: RequestRow, caller: IdentifiedCaller, exchange: Exchange): Promise<Passage | undefined> {
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
