import { randomUUID } from 'node:crypto'
import type { Conditions } from '@countersign/conditions'
import type { Discovery } from '@countersign/discovery'
import type { IdentifiedCaller } from '@countersign/verify'
import type { AuthServerEvent } from '../event/event.js'
import { type ExchangeContext, exchangeFacts } from '../exchange/exchange.js'
import type { Upstream } from '../exchange/upstream-token.js'
import { type IssuedToken, issueAuthToken } from '../grant/auth-token.js'
import type { ConsentKey, RememberedYes } from '../grant/consents.js'
import { principalOf } from '../grant/decide.js'
import { identityClaims } from '../grant/identity-claims.js'
import { conditionFacts, tokenConditions } from '../grant/token-conditions.js'
import { chainName } from '../mandate/chain.js'
import type { User } from '../users/users.js'
import type { RequestedAccess } from './requested-access.js'
import type { TokenContext } from './token-context.js'

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

/** The context of a token endpoint that exchanges tokens. */
export type ExchangingContext = TokenContext & { readonly exchange: ExchangeContext }

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

/** The conditions of an exchanged token, as of now. */
export function conditionsFor(
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

/**
 * Signs the token of a decided exchange, for the key of this request. Its event is reported with the grant; that of a code is returned,
 * and reported when the code is taken.
 */
export async function issueExchanged(
  verified: VerifiedExchange,
  how: ExchangeDecision,
  { issuer, now, exchange, report }: Pick<ExchangingContext, 'issuer' | 'now' | 'exchange' | 'report'>,
): Promise<{ readonly issued: IssuedToken; readonly granted: AuthServerEvent }> {
  const { caller, access, upstream, user, purposes } = verified
  const { resource, scope } = access
  const { decision, request, yes, chosen = yes?.conditions, operator, discovery } = how
  const conditions = await conditionsFor(verified, { operator, user: chosen, discovery }, { now })
  const claimed = user && { sub: user.sub, claims: identityClaims(scope, { ...user.claims }) }
  // Before the transaction that sees the upstream grant alive: the notice of its end must outlive this token.
  const at = now()
  const { agent, delegate } = caller
  const remembered = user === undefined || yes === undefined ? undefined : { key: keyOf(verified, user), yes }
  const decided = { upstream, agent, delegate, resource, user: user?.sub, remembered }
  const jti = randomUUID()
  const granted: AuthServerEvent = {
    type: 'granted',
    by: 'exchange',
    decision,
    ...(request === undefined ? {} : { request }),
    ...principalOf(caller),
    resource,
    scope,
    jti,
    ...(user === undefined ? {} : { user: user.sub }),
    exchange: exchangeFacts(upstream),
    ...conditionFacts(conditions),
    ...txnsOf(verified),
  }
  const grant = await exchange.exchangedGrants.open(decided, async tx => {
    if (decision !== 'code') await report.within(tx, granted)
  })
  const token = { caller, ...access, user: claimed, grant, upstream, purposes, conditions, jti }
  return { issued: await issueAuthToken(issuer, token, at), granted }
}

/** The audit ids of an exchange: that of the upstream token, and that of the resource token where it is another. */
export function txnsOf({ access: { txn }, resource_txn }: VerifiedExchange): {
  readonly txn?: string
  readonly resource_txn?: string
} {
  return { ...(txn === undefined ? {} : { txn }), ...(resource_txn === undefined ? {} : { resource_txn }) }
}

/** Names the consent of the user to this exchange. */
export function keyOf({ caller, access, upstream, purposes }: VerifiedExchange, user: User): ConsentKey {
  return {
    user_sub: user.sub,
    agent: caller.agent,
    agent_delegate: caller.delegate ?? '',
    resource: access.resource,
    chain: chainName(upstream.act),
    purposes,
  }
}
