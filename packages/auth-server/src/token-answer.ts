import type { Discovery } from '@countersign/discovery'
import { answerAuth, type PendingAnswer } from './auth-answer.js'
import type { AuthTokenIssuer } from './auth-token.js'
import { answerDeviceAuth, answerDeviceCode, type DeviceAnswer } from './device-answer.js'
import type { AuthServerEvent, ExchangeFacts } from './event.js'
import type { Exchange } from './exchange/exchange.js'
import { answerExchange } from './exchange/exchange-answer.js'
import type { Grants } from './grants.js'
import type { VerifiedCaller } from './identified-form.js'
import type { Policy } from './policy.js'
import type { Polls } from './polls.js'
import { answerCode, type Redemptions } from './redemption.js'
import { answerRefresh } from './refresh-answer.js'
import type { Repeats } from './repeats.js'
import type { Requests } from './requests.js'
import type { TokenRequest } from './token-request.js'

/** What the token endpoint decides with. */
export interface TokenContext {
  readonly issuer: AuthTokenIssuer
  readonly grants: Grants
  readonly requests: Requests
  readonly redemptions: Redemptions
  readonly repeats: Repeats
  readonly polls: Polls
  readonly policy: Policy
  /** Whether users can sign in here. */
  readonly users: 'some' | 'none'
  /** Agents that may use the device flow. */
  readonly deviceFlow: 'any' | readonly string[]
  /** Absent where no exchange is configured. */
  readonly exchange?: Exchange
  readonly now: () => number
  readonly development: boolean
  readonly onEvent: (event: AuthServerEvent) => void
}

/** A token endpoint's answer that holds a token. */
export interface TokenAnswer {
  readonly auth_token: string
  /** Seconds. */
  readonly expires_in: number
  /** Given with a new grant only. */
  readonly refresh_token?: string
}

/** Who asks, and with what is left of this request's fetch budget. */
export interface Asking extends Pick<VerifiedCaller, 'caller' | 'once'> {
  readonly discovery: Discovery
  /** Told what an exchange would pass on once that is verified, so that a refusal is recorded with it. */
  readonly note: (known: {
    readonly exchange: ExchangeFacts
    readonly txn?: string
    readonly resource_txn?: string
  }) => void
}

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
