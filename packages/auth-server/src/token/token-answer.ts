import { answerAuth } from './auth-answer.js'
import { answerCode } from './code-answer.js'
import { answerDeviceAuth, answerDeviceCode, type DeviceAnswer } from './device-answer.js'
import { answerExchange } from './exchange-answer.js'
import type { PendingAnswer } from './pending-answer.js'
import { answerRefresh } from './refresh-answer.js'
import type { Asking, TokenAnswer, TokenContext } from './token-context.js'
import type { TokenRequest } from './token-request.js'

/**
 * Decides one token request of a verified caller.
 * @throws AAuthError with the code of protocol §8
 * @see protocol §6.2
 */
export async function tokenAnswer(
  request: TokenRequest,
  asking: Asking,
  context: TokenContext,
): Promise<TokenAnswer | PendingAnswer | DeviceAnswer> {
  switch (request.request_type) {
    case 'auth':
      return answerAuth(request, asking, context)
    case 'device_auth':
      return answerDeviceAuth(request, asking, context)
    case 'code':
      await asking.once()
      return answerCode(request, asking.caller, context)
    case 'device_code':
      await asking.once()
      return answerDeviceCode(request, asking.caller, context)
    case 'refresh':
      await asking.once()
      return answerRefresh(request, asking.caller, context)
    case 'exchange':
      return answerExchange(request, asking, context)
  }
}
