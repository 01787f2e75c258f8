import type { InboxAnswer } from './ask-about-call.js'
import { answerAuth } from './auth-answer.js'
import { answerCode } from './code-answer.js'
import { answerDeviceAuth, answerDeviceCode, type DeviceAnswer } from './device-answer.js'
import { answerExchange } from './exchange-answer.js'
import type { PendingAnswer } from './pending-answer.js'
import { answerPoll } from './poll-answer.js'
import { answerRefresh } from './refresh-answer.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { TokenRequest } from './token-request.js'

/**
 * Decides one token request of a verified caller.
 * @throws AAuthError with the code of protocol §8
 * @see protocol §6.2
 */
export async function answerToken(
  request: TokenRequest,
  call: TokenCall,
  context: TokenContext,
): Promise<TokenAnswer | PendingAnswer | DeviceAnswer | InboxAnswer> {
  switch (request.request_type) {
    case 'auth':
      return answerAuth(request, call, context)
    case 'device_auth':
      return answerDeviceAuth(request, call, context)
    case 'code':
      await call.once()
      return answerCode(request, call, context)
    case 'device_code':
      await call.once()
      return answerDeviceCode(request, call, context)
    case 'poll':
      await call.once()
      return answerPoll(request, call, context)
    case 'refresh':
      await call.once()
      return answerRefresh(request, call, context)
    case 'exchange':
      return answerExchange(request, call, context)
  }
}
