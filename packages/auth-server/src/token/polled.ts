import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { StoredRequest } from '../request/read-request.js'
import { redemptionHash } from '../secret/request-token.js'
import { isCallers } from './is-callers.js'
import { redeem } from './redemption.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'

/**
 * Redeems the token that an agent polls with, once its user has said yes.
 * @param polled.way how its user is asked: the token of a request that goes another way is unknown
 * @throws AAuthError `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`
 * @see protocol §6.2, §9.4; RFC 8628 §3.5
 */
export async function redeemPolled(
  {
    token,
    way,
  }: {
    readonly token: string
    readonly way: 'device' | 'inbox'
  },
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): Promise<TokenAnswer> {
  const row = await context.requests.find(token)
  const by = way === 'inbox' ? 'poll' : 'device_code'
  const isBound = row !== undefined && row.way === way && (await isCallers(row, call.caller, context))
  return redeem(
    {
      by,
      redemption: redemptionHash([by, token]),
      row: isBound ? row : undefined,
      isAllowed: request => isPolledAllowed(request, way, context),
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
async function isPolledAllowed(
  row: StoredRequest,
  way: 'device' | 'inbox',
  { polls, now }: Pick<TokenContext, 'polls' | 'now'>,
): Promise<boolean> {
  // It gave its token before.
  if (row.status === 'redeemed') return false
  if (row.expires <= now()) throw expiredError(way)
  if (row.status === 'granted') return true
  if (row.status === 'denied') throw refusal('user_refused')
  if (row.status === 'stopped') throw stoppedError()
  if ((await polls.note(row.request_hash)) === 'too soon') {
    throw refusal('poll_too_fast')
  }
  throw refusal('decision_pending')
}

function expiredError(way: 'device' | 'inbox'): AAuthError {
  return way === 'inbox' ? refusal('request_ended') : refusal('device_code_expired')
}

function stoppedError(): AAuthError {
  return refusal('approval_stopped')
}
