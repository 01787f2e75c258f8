import { refusal } from '@countersign/protocol/internal'
import { pollInterval } from '../bound/polls.js'
import { shownUserCode } from '../request/user-code.js'
import { requestLifetime } from '../secret/request-token.js'
import { askAboutCall } from './ask-about-call.js'
import { type DecidedAccess, decideAccess } from './auth-answer.js'
import { reportRequested } from './pending-answer.js'
import { redeemPolled } from './polled.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { DeviceAuthRequest, DeviceCodeRequest } from './token-request.js'

/** What a device shows to its user, and its device code. No URL holds the user code: victims would only have to click it. */
export interface DeviceAnswer {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  /** Seconds. */
  readonly expires_in: number
  /** Seconds between two polls. */
  readonly interval: number
}

/**
 * Answers `request_type=device_auth`, for agents in `deviceFlow`.
 * @throws AAuthError `unauthorized_client`, else as `auth`
 * @see protocol §6.2, §6.3; RFC 8628
 */
export async function answerDeviceAuth(
  request: DeviceAuthRequest,
  call: TokenCall,
  context: TokenContext,
): Promise<TokenAnswer | DeviceAnswer> {
  const { agent } = call.caller
  // Phishing: an agent that can start this flow can ask any user anywhere to type in its code.
  if (context.deviceFlow !== 'any' && !context.deviceFlow.includes(agent)) {
    throw refusal('caller_not_allowed', { about: 'the device flow' })
  }
  const decided = await decideAccess(request, call, context)
  if (decided.outcome === 'direct') return decided.answer
  await call.once()
  const { device_code, user_code } = await askOnDevice(decided, context)
  return {
    device_code,
    user_code: shownUserCode(user_code),
    verification_uri: `${context.issuer.issuer}/device`,
    expires_in: requestLifetime,
    interval: pollInterval,
  }
}

/** Stores the request, or the question about a single call, for whoever types in the code. */
async function askOnDevice(
  decided: Exclude<DecidedAccess, { readonly outcome: 'direct' }>,
  context: TokenContext,
): Promise<{ readonly device_code: string; readonly user_code: string }> {
  if (decided.outcome === 'approval') {
    const { token, user_code } = await askAboutCall(decided.asked, { flow: 'device' }, context)
    return { device_code: token, user_code }
  }
  const { id, ...codes } = await context.requests.addDevice(decided.request)
  reportRequested({ flow: 'device', id, request: decided.request }, context)
  return codes
}

/**
 * Answers `request_type=device_code`: as `code`, once the user has decided.
 * @throws AAuthError `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`
 * @see protocol §6.2; RFC 8628 §3.5
 */
export function answerDeviceCode(
  { device_code }: DeviceCodeRequest,
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): Promise<TokenAnswer> {
  return redeemPolled({ token: device_code, way: 'device' }, call, context)
}
