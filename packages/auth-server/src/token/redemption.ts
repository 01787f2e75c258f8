import { parseScope } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import type { IdentifiedCaller } from '@countersign/verify'
import { issueAuthToken } from '../grant/auth-token.js'
import { decideAgain, principalOf } from '../grant/decide.js'
import type { Grant, Principal } from '../grant/grant.js'
import { grantedTo, grantWriter, newGrantId, type OnSurplus } from '../grant/grants.js'
import { refreshTokens } from '../grant/refresh-token.js'
import { codeOf, isCode, redemptionHash, refusedCode } from '../request-token.js'
import type { RequestRow, Tables } from '../tables.js'
import { answerExchangeCode } from './exchange-code.js'
import { repeatFor } from './repeats.js'
import type { Redemptions, TokenAnswer, TokenContext } from './token-context.js'
import type { CodeRequest } from './token-request.js'

/** Queries over the tables. */
export function redemptionsIn(
  store: Store<Tables>,
  now: () => number,
  onSurplus: OnSurplus = () => undefined,
): Redemptions {
  const write = grantWriter(store, onSurplus)
  const newRefreshToken = refreshTokens()
  return {
    async take(row, { principal, grant, redemption }) {
      const token = newRefreshToken()
      const isAdded = await write({ principal, grant, token, redemption, words: row.words, now: now() }, async tx => {
        // The row itself is the right to redeem: two instances delete it at once, and one finds it gone.
        const { numDeletedRows } = await tx
          .deleteFrom('auth_server_requests')
          .where('request_hash', '=', row.request_hash)
          .where('status', '=', 'granted')
          .where('expires', '>', now())
          .executeTakeFirstOrThrow()
        return numDeletedRows > 0n
      })
      return isAdded ? token : undefined
    },
  }
}

/**
 * Answers `request_type=code`.
 * @throws AAuthError `invalid_grant`, `access_denied`
 * @see protocol §6.2
 */
export async function answerCode(
  request: CodeRequest,
  caller: IdentifiedCaller,
  context: TokenContext,
): Promise<TokenAnswer> {
  const { code, redirect_uri, request_token } = request
  const ofExchange = await answerExchangeCode(request, caller, context)
  if (ofExchange !== undefined) return ofExchange
  const redemption = redemptionHash(['code', code, redirect_uri, request_token])
  return redeem({ redemption, by: 'code', find: () => allowed(request, caller, context) }, caller, context)
}

/**
 * Redeems what a user allowed, once: the same caller and key get the same answer for a minute, and a later use ends the grant.
 * @param what.redemption stands for everything that must be the same when it is used again
 * @param what.find the request when it is allowed and the caller's; throws what else there is to say
 * @throws AAuthError `invalid_grant`, `access_denied`, and what `find` throws
 * @see protocol §6.2
 */
export async function redeem(
  what: {
    readonly redemption: string
    readonly by: 'code' | 'device_code'
    readonly find: () => Promise<RequestRow | undefined>
  },
  caller: IdentifiedCaller,
  context: TokenContext,
): Promise<TokenAnswer> {
  const { redemption, by, find } = what
  const principal = principalOf(caller)
  const key = redemptionHash([redemption, principal.agent, principal.delegate ?? '', caller.key.thumbprint])
  const { answer, kind } = await context.repeats.answer(key, async () => {
    const row = await find()
    if (row === undefined) return refuse(redemption, principal, context)
    return grantTo(caller, { row, redemption, by }, context)
  })
  if (kind === 'repeat') await checkStillGranted(redemption, principal, context)
  return answer
}

async function allowed(
  { code, redirect_uri, request_token }: CodeRequest,
  caller: IdentifiedCaller,
  { requests, now }: TokenContext,
): Promise<RequestRow | undefined> {
  const row = await requests.find(request_token)
  const { agent, delegate = '' } = principalOf(caller)
  if (row === undefined || row.status !== 'granted' || row.user_code !== null || row.code_secret === null) {
    return undefined
  }
  // A grant, with a refresh token, is never made of an exchange.
  if (row.upstream !== null) return undefined
  const isTheirs = row.agent === agent && row.agent_delegate === delegate && row.redirect_uri === redirect_uri
  return isTheirs && row.expires > now() && isCode(code, codeOf(request_token, row.code_secret)) ? row : undefined
}

async function grantTo(
  caller: IdentifiedCaller,
  o: { readonly row: RequestRow; readonly redemption: string; readonly by: 'code' | 'device_code' },
  context: TokenContext,
): Promise<TokenAnswer> {
  const { row, redemption, by } = o
  const { issuer, policy, now, redemptions, onEvent } = context
  const principal = principalOf(caller)
  const grant = grantOf(row)
  const scope = parseScope(grant.scope)
  const { resource, purpose, user } = grant
  const about = { ...principal, user: user.sub, resource, scope }
  await decideAgain({ ...about, ...(purpose === undefined ? {} : { purpose }) }, policy)
  const txn = row.txn === null ? {} : { txn: row.txn }
  const issued = await issueAuthToken(issuer, { caller, resource, scope, user, ...txn, grant: grant.id, now: now() })
  const refresh_token = await redemptions.take(row, { principal, grant, redemption })
  if (refresh_token === undefined) throw refusedCode()
  onEvent({ type: 'granted', by, request: row.id, ...about, grant: grant.id, jti: issued.jti, ...txn })
  return { auth_token: issued.auth_token, expires_in: issuer.lifetime, refresh_token }
}

function grantOf(row: RequestRow): Grant & Required<Pick<Grant, 'user'>> {
  const { resource, granted_scope, purpose, txn, user_sub, claims } = row
  if (granted_scope === null || user_sub === null) throw new TypeError('an allowed request names its user and scope')
  return {
    id: newGrantId(),
    resource,
    scope: granted_scope,
    ...(purpose === null ? {} : { purpose }),
    ...(txn === null ? {} : { txn }),
    user: { sub: user_sub, claims: JSON.parse(claims ?? '{}') },
  }
}

/** Used again after the minute in which an answer may have been lost: somebody else has the code, so what it gave ends. */
async function refuse(
  redemption: string,
  principal: Principal,
  { grants, now, onEvent }: TokenContext,
): Promise<never> {
  const reused = await grants.redeemed(principal, redemption)
  if (reused !== undefined && reused.created + repeatFor <= now()) {
    const ended = await grants.endRedeemed(principal, redemption)
    if (ended !== undefined) onEvent({ type: 'alarm', reason: 'code-reused', ...grantedTo(principal, ended) })
  }
  throw refusedCode()
}

/** A revocation ends the repeat of a code at once. */
async function checkStillGranted(
  redemption: string,
  principal: Principal,
  { grants, onEvent }: TokenContext,
): Promise<void> {
  const grant = await grants.redeemed(principal, redemption)
  if (grant === undefined) throw refusedCode()
  onEvent({ type: 'repeated', ...principal, grant: grant.id, ...(grant.txn === null ? {} : { txn: grant.txn }) })
}
