import { parseScope } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import { issueAuthToken } from '../grant/auth-token.js'
import { decideAgain, policyRequest, principalOf } from '../grant/decide.js'
import type { Grant } from '../grant/grant.js'
import { grantFacts, newGrantId } from '../grant/grants.js'
import type { RequestRow } from '../tables.js'
import type { CodeOutcome, CodeToken, PresentedCode } from './code-outcome.js'
import { repeatFor } from './repeats.js'
import type { TokenContext } from './token-context.js'

/** What the code of an agent's own request gives: a grant, with a refresh token. */
export function grantOutcome(
  code: Pick<PresentedCode, 'by' | 'redemption'>,
  caller: IdentifiedCaller,
  context: TokenContext,
): CodeOutcome {
  const { grants, now } = context
  const { redemption } = code
  const principal = principalOf(caller)
  return {
    issue: row => issueFor(row, { code, caller }, context),

    async repeated() {
      const grant = await grants.redeemed(principal, redemption)
      if (grant === undefined) return undefined
      return { type: 'repeated', ...principal, grant: grant.id, ...(grant.txn === null ? {} : { txn: grant.txn }) }
    },

    async endReused() {
      const reused = await grants.redeemed(principal, redemption)
      if (reused === undefined || reused.created + repeatFor > now()) return undefined
      const ended = await grants.endRedeemed(principal, redemption)
      return ended === undefined ? undefined : { type: 'alarm', reason: 'code-reused', ...grantFacts(principal, ended) }
    },
  }
}

async function issueFor(
  row: RequestRow,
  o: { readonly code: Pick<PresentedCode, 'by' | 'redemption'>; readonly caller: IdentifiedCaller },
  { issuer, policy, now }: TokenContext,
): Promise<CodeToken> {
  const { code, caller } = o
  const principal = principalOf(caller)
  const grant = grantOf(row)
  const scope = parseScope(grant.scope)
  const { id, resource, purpose, user, txn } = grant
  await decideAgain(policyRequest(principal, { resource, scope, purpose, user: user?.sub }), policy)
  const issued = await issueAuthToken(issuer, { caller, resource, scope, user, txn, grant: id }, now())
  const { jti } = issued
  return {
    issued,
    grant: { principal, grant, redemption: code.redemption },
    granted: { type: 'granted', by: code.by, request: row.id, ...grantFacts(principal, grant), jti },
  }
}

function grantOf(row: RequestRow): Grant {
  const { resource, granted_scope, purpose, txn, user_sub, claims } = row
  if (granted_scope === null || user_sub === null) throw new TypeError('an allowed request names its user and scope')
  return {
    id: newGrantId(),
    resource,
    scope: granted_scope,
    purpose: purpose ?? undefined,
    txn: txn ?? undefined,
    user: { sub: user_sub, claims: JSON.parse(claims ?? '{}') },
  }
}
