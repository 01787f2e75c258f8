import { parseScope } from '@countersign/protocol'
import { issueAuthToken } from '../grant/auth-token.js'
import { decideAgain, policyRequest, principalOf } from '../grant/decide.js'
import type { Grant } from '../grant/grant.js'
import { grantFacts, newGrantId } from '../grant/grants.js'
import { conditionFacts, tokenConditions } from '../grant/token-conditions.js'
import { conditionsIn, purposesIn } from '../mandate/conditions-text.js'
import type { RequestOf } from '../request/read-request.js'
import type { CodeOutcome, CodeToken, PresentedCode } from './code-outcome.js'
import { repeatFor } from './repeats.js'
import type { TokenCall, TokenContext } from './token-context.js'

/** The code of an agent's own request, which is gone once the grant is there. */
interface AccessCode extends Pick<PresentedCode, 'by' | 'redemption'> {
  readonly row: RequestOf<'access'> | undefined
}

/** What the code of an agent's own request gives: a grant, with a refresh token. */
export function grantOutcome(
  code: AccessCode,
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): CodeOutcome {
  const { grants, blocks, now, report } = context
  const { caller } = call
  const { redemption } = code
  const principal = principalOf(caller)
  return {
    issue: () => issueFor(code, call, context),

    async repeated() {
      const grant = await grants.redeemed(principal, redemption)
      if (grant === undefined) return undefined
      await blocks.check({ user: grant.user_sub ?? undefined })
      return { type: 'repeated', ...principal, grant: grant.id, ...(grant.txn === null ? {} : { txn: grant.txn }) }
    },

    async endReused() {
      const reused = await grants.redeemed(principal, redemption)
      if (reused === undefined || reused.created + repeatFor > now()) return
      await grants.endRedeemed(principal, redemption, (tx, ended) =>
        report.within(tx, { type: 'alarm', reason: 'code-reused', ...grantFacts(principal, ended) }),
      )
    },
  }
}

async function issueFor(
  { by, redemption, row }: AccessCode,
  { caller, discovery }: Pick<TokenCall, 'caller' | 'discovery'>,
  { issuer, policy, approvals, now }: TokenContext,
): Promise<CodeToken> {
  if (row === undefined) throw new TypeError('there is no request to make a grant of')
  const principal = principalOf(caller)
  const grant = grantOf(row)
  const scope = parseScope(grant.scope)
  const { id, resource, purpose, purposes, user, txn } = grant
  if (user !== undefined) await approvals.checkStopped({ user_sub: user.sub, agent: principal.agent, resource })
  const about = { resource, scope, purpose, purposes, user: user?.sub }
  const { conditions: operator } = await decideAgain(policyRequest(principal, about), policy)
  const sources = { caller, resource, scope, purposes, operator, user: grant.conditions }
  const conditions = await tokenConditions(sources, { discovery, now: now() })
  const token = { caller, resource, scope, user, txn, grant: id, purposes, conditions }
  const issued = await issueAuthToken(issuer, token, now())
  const { jti } = issued
  return {
    issued,
    grant: { principal, grant, redemption },
    granted: {
      type: 'granted',
      by,
      request: row.id,
      ...grantFacts(principal, grant),
      ...conditionFacts(conditions),
      jti,
    },
  }
}

function grantOf(row: RequestOf<'access'>): Grant {
  const { resource, granted_scope, purpose, txn, user_sub, claims } = row
  if (granted_scope === null || user_sub === null) throw new TypeError('an allowed request names its user and scope')
  return {
    id: newGrantId(),
    resource,
    scope: granted_scope,
    purpose: purpose ?? undefined,
    txn: txn ?? undefined,
    user: { sub: user_sub, claims: JSON.parse(claims ?? '{}') },
    purposes: purposesIn(row.purposes),
    conditions: conditionsIn(row.conditions),
  }
}
