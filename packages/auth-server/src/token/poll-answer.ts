import { redeemPolled } from './polled.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { PollRequest } from './token-request.js'

/**
 * Answers `request_type=poll`: as `device_code`, for a question that waits in an inbox. It takes no other request token: a link sent to
 * a victim would need no `redirect_uri`.
 * @throws AAuthError `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`
 * @see protocol §9.4, clause approval.inbox
 */
export function answerPoll(
  { request_token }: PollRequest,
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): Promise<TokenAnswer> {
  return redeemPolled({ token: request_token, way: 'inbox' }, call, context)
}
