import { AAuthError } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import { pollInterval } from '../bound/polls.js'
import { shownUserCode } from '../consent/user-code.js'
import { principalOf } from '../grant/decide.js'
import { owns } from '../grant/grant.js'
import { redemptionHash, requestLifetime } from '../request-token.js'
import type { RequestRow } from '../tables.js'
import { decideAccess } from './auth-answer.js'
import { reportRequested } from './pending-answer.js'
import { redeem } from './redemption.js'
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
    throw new AAuthError('unauthorized_client', 'this agent may not use the device flow')
  }
  const decided = await decideAccess(request, call, context)
  if (decided.outcome === 'direct') return decided.answer
  await call.once()
  const { id, device_code, user_code } = await context.requests.addDevice(decided.request)
  reportRequested(id, { flow: 'device', request: decided.request }, context)
  return {
    device_code,
    user_code: shownUserCode(user_code),
    verification_uri: `${context.issuer.issuer}/device`,
    expires_in: requestLifetime,
    interval: pollInterval,
  }
}

/**
 * Answers `request_type=device_code`: as `code`, once the user has decided.
 * @throws AAuthError `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`
 * @see protocol §6.2; RFC 8628 §3.5
 */
export async function answerDeviceCode(
  { device_code }: DeviceCodeRequest,
  caller: IdentifiedCaller,
  context: TokenContext,
): Promise<TokenAnswer> {
  const row = await context.requests.find(device_code)
  const isBound = row !== undefined && row.user_code !== null && owns(principalOf(caller), row)
  return redeem(
    {
      by: 'device_code',
      redemption: redemptionHash(['device_code', device_code]),
      row: isBound ? row : undefined,
      isAllowed: request => isAllowed(request, context),
    },
    caller,
    context,
  )
}

/** @throws AAuthError what the device is told until its user has said yes */
function isAllowed(row: RequestRow, { polls, now }: TokenContext): boolean {
  if (row.expires <= now()) throw new AAuthError('expired_token', 'the device code has expired')
  if (row.status === 'granted') return true
  if (row.status === 'denied') throw new AAuthError('access_denied', 'the user said no')
  if (polls.note(row.request_hash) === 'too soon') {
    throw new AAuthError('slow_down', 'the device polls too often: wait 5 seconds longer between two polls')
  }
  throw new AAuthError('authorization_pending', 'the user has not decided yet')
}
