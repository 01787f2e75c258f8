import type { Conditions } from '@countersign/conditions'
import { parseScope } from '@countersign/protocol'
import { exchangeFacts } from '../exchange/exchange.js'
import type { Upstream } from '../exchange/upstream-token.js'
import { type IssuedToken, issueAuthToken } from '../grant/auth-token.js'
import { decideAgain, policyRequest, principalOf } from '../grant/decide.js'
import { conditionFacts, tokenConditions } from '../grant/token-conditions.js'
import { purposesIn } from '../mandate/conditions-text.js'
import { consentKey } from '../request/decide-row.js'
import type { RequestOf } from '../request/read-request.js'
import { requestFacts } from '../request/requests.js'
import { codeRefusal } from '../secret/request-token.js'
import type { ApprovalRow } from '../tables/approval-tables.js'
import type { CodeOutcome, CodeToken, PresentedCode } from './code-outcome.js'
import { approverMissing } from './decide-call.js'
import { recheckExchange } from './exchange-code.js'
import type { TokenCall, TokenContext } from './token-context.js'

/** Who redeems an approval, and with what. */
interface Redeemer extends Pick<TokenCall, 'caller' | 'discovery'> {
  readonly context: TokenContext
}

/**
 * What an approval of a single call gives: a token for that call, with a grant of its own and no refresh token.
 * @see protocol §9.4, clause approval.token
 */
export function approvalOutcome(
  row: RequestOf<'call'>,
  { by }: Pick<PresentedCode, 'by'>,
  redeemer: Redeemer,
): CodeOutcome {
  const { approvals, now, report } = redeemer.context
  const find = (): Promise<ApprovalRow | undefined> => approvals.find(row.operation)
  return {
    async issue() {
      const question = await find()
      if (question === undefined || question.status !== 'approved' || question.ended !== null) throw codeRefusal()
      return issueFor({ row, question, by }, redeemer)
    },

    async repeated() {
      const question = await find()
      if (question === undefined || question.ended !== null) return undefined
      return { type: 'repeated', ...requestFacts(row), ...approvalFacts(question), user: question.user_sub }
    },

    async endReused() {
      if (row.status !== 'redeemed' || row.expires > now()) return
      await approvals.endReused(row.operation, (tx, ended) => {
        const facts = { ...requestFacts(row), ...approvalFacts(ended), user: ended.user_sub }
        return report.within(tx, { type: 'alarm', reason: 'code-reused', ...facts })
      })
    },
  }
}

interface Allowed {
  readonly row: RequestOf<'call'>
  readonly question: ApprovalRow
  readonly by: PresentedCode['by']
}

/** Asks policy and rules once more: they may have changed while the user decided. */
async function issueFor({ row, question, by }: Allowed, redeemer: Redeemer): Promise<CodeToken> {
  const { caller, context } = redeemer
  const { user_sub, agent, resource } = question
  await context.approvals.checkStopped({ user_sub, agent, resource })
  const { issued, conditions } = await signFor({ row, question }, redeemer)
  const { upstream } = row
  return {
    issued,
    approval: { approval: question.id, exp: issued.exp },
    granted: {
      type: 'granted',
      by,
      ...requestFacts(row),
      ...principalOf(caller),
      ...approvalFacts(question),
      user: user_sub,
      grant: question.id,
      ...conditionFacts(conditions),
      jti: issued.jti,
      ...(upstream === undefined ? {} : { exchange: exchangeFacts(upstream) }),
    },
  }
}

interface SignedApproval {
  readonly issued: IssuedToken
  readonly conditions: Conditions
}

async function signFor(
  { row, question }: Omit<Allowed, 'by'>,
  { caller, discovery, context }: Redeemer,
): Promise<SignedApproval> {
  const { issuer, now } = context
  const [scope, purposes] = [parseScope(row.scope), purposesIn(row.purposes)]
  const { operator, user, upstream } = await decideOnceMore({ row, question }, { caller, discovery, context })
  const { resource, txn } = row
  const { id, user_sub, digest, holder } = question
  const sources = { caller, resource, scope, purposes, operator, user, upstream }
  const conditions = await tokenConditions(sources, { discovery, now: now() })
  // Before the transaction that sees the upstream grant alive: the notice of its end must outlive this token.
  const at = now()
  if (upstream !== undefined) await openExchanged(upstream, { row, question }, { caller, discovery, context })
  const token = {
    caller,
    resource,
    scope,
    purposes,
    conditions,
    upstream,
    grant: id,
    operation_digest: digest,
    // Nothing but whose grant it is: the page says nothing of claims, and who approves under a direct grant is no user of it.
    user: holder === null ? undefined : { sub: user_sub, claims: {} },
    txn: txn ?? undefined,
  }
  return { issued: await issueAuthToken(issuer, token, at), conditions }
}

/** Today's conditions of the operator, those of the yes before this one, and the upstream token of an exchange. @throws AAuthError where it is not allowed any more */
async function decideOnceMore(
  { row, question }: Omit<Allowed, 'by'>,
  { caller, context }: Redeemer,
): Promise<{ readonly operator: Conditions; readonly user: Conditions; readonly upstream?: Upstream }> {
  const [scope, purposes] = [parseScope(row.scope), purposesIn(row.purposes)]
  if (row.upstream !== undefined) {
    const { exchange } = context
    if (exchange === undefined) throw codeRefusal()
    const { verified, operator } = await recheckExchange(row, caller, { ...context, exchange })
    // A consent to the whole chain that was given before, if any: what it holds back, this call must not let out.
    const { conditions = [] } = await exchange.remembered(consentKey(row, question.user_sub), scope)
    return { operator, user: conditions, upstream: verified.upstream }
  }
  const { resource, purpose } = row
  const { user_sub, operation, holder } = question
  const asked = { resource, scope, purpose: purpose ?? undefined, purposes, user: user_sub, operation }
  const request = policyRequest(principalOf(caller), asked)
  const { conditions: operator, approver } = await decideAgain(request, context.policy)
  // Who may approve under a direct grant is the policy's of today, as all of it is.
  if (holder === null && approver !== user_sub) throw approverMissing(request)
  return { operator, user: await context.approvals.grantConditions(question, { scope, purposes }) }
}

/** So that it ends with the upstream grant: approvals end with what was exchanged for the same caller, resource and user. */
async function openExchanged(
  upstream: Upstream,
  { row, question }: Omit<Allowed, 'by'>,
  { caller, context }: Redeemer,
): Promise<void> {
  const { agent, delegate } = caller
  await context.exchange?.exchangedGrants.open({
    upstream,
    agent,
    delegate,
    resource: row.resource,
    user: question.user_sub,
  })
}

/** How events name an approval. */
function approvalFacts({ id, operation }: ApprovalRow): { readonly approval: string; readonly operation: string } {
  return { approval: id, operation }
}
