import { redemptionHash } from '../request-token.js'
import { isCallers } from './is-callers.js'
import { isPolledAllowed } from './polled.js'
import { redeem } from './redemption.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { PollRequest } from './token-request.js'

/**
 * Answers `request_type=poll`: as `device_code`, for a question that waits in an inbox. It takes no other request token: a link sent to
 * a victim would need no `redirect_uri`.
 * @throws AAuthError `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`
 * @see protocol §9.4, clause approval.inbox
 */
export async function answerPoll(
  { request_token }: PollRequest,
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): Promise<TokenAnswer> {
  const row = await context.requests.find(request_token)
  const isBound = row?.answer === 'inbox' && (await isCallers(row, call.caller, context))
  return redeem(
    {
      by: 'poll',
      redemption: redemptionHash(['poll', request_token]),
      row: isBound ? row : undefined,
      isAllowed: request => isPolledAllowed(request, context),
    },
    call,
    context,
  )
}
