import { AAuthError } from '@countersign/protocol'
import { redemptionHash } from '../request-token.js'
import type { RequestRow } from '../tables.js'
import { isCallers } from './is-callers.js'
import { redeem } from './redemption.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'

/**
 * Redeems the token that an agent polls with, once its user has said yes.
 * @param polled.isPolledSo tells whether the request of a token is polled for in this way
 * @throws AAuthError `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`
 * @see protocol §6.2, §9.4; RFC 8628 §3.5
 */
export async function redeemPolled(
  {
    by,
    token,
    isPolledSo,
  }: {
    readonly by: 'poll' | 'device_code'
    readonly token: string
    readonly isPolledSo: (row: RequestRow) => boolean
  },
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): Promise<TokenAnswer> {
  const row = await context.requests.find(token)
  const isBound = row !== undefined && isPolledSo(row) && (await isCallers(row, call.caller, context))
  return redeem(
    {
      by,
      redemption: redemptionHash([by, token]),
      row: isBound ? row : undefined,
      isAllowed: request => isPolledAllowed(request, context),
    },
    call,
    context,
  )
}

/**
 * Tells whether a request that its agent polls for can be redeemed.
 * @throws AAuthError what the agent is told until its user has said yes
 * @see RFC 8628 §3.5
 */
async function isPolledAllowed(row: RequestRow, { polls, now }: Pick<TokenContext, 'polls' | 'now'>): Promise<boolean> {
  // It gave its token before.
  if (row.status === 'redeemed') return false
  if (row.expires <= now()) throw expiredError(row)
  if (row.status === 'granted') return true
  if (row.status === 'denied') throw new AAuthError('access_denied', 'the user said no', { reason: 'user_refused' })
  if (row.status === 'stopped') throw stoppedError()
  if ((await polls.note(row.request_hash)) === 'too soon') {
    throw new AAuthError('slow_down', 'this is polled too often: wait 5 seconds longer between two polls', {
      reason: 'poll_too_fast',
    })
  }
  throw new AAuthError('authorization_pending', 'the user has not decided yet', { reason: 'decision_pending' })
}

function expiredError({ answer }: RequestRow): AAuthError {
  return answer === 'inbox'
    ? new AAuthError('expired_token', 'the user did not answer in time', { reason: 'request_ended' })
    : new AAuthError('expired_token', 'the device code has expired', { reason: 'device_code_expired' })
}

function stoppedError(): AAuthError {
  return new AAuthError('access_denied', 'the user said no, and that this agent is to stop asking', {
    reason: 'approval_stopped',
  })
}
