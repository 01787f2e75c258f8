import type { AuthServerEvent } from '../event/event.js'
import type { IssuedToken } from '../grant/auth-token.js'
import type { StoredRequest } from '../request/read-request.js'
import type { RedeemedApproval, RedeemedGrant } from './token-context.js'

/** A consent code or device code, as a caller presents it. */
export interface PresentedCode {
  readonly by: 'code' | 'device_code' | 'poll'
  /** Hash of everything that must be the same when the code is used again. */
  readonly redemption: string
  /** The request of this code, where it is the caller's. Absent once a grant has taken its place. */
  readonly row: StoredRequest | undefined
  /**
   * Tells whether the request can be redeemed now.
   * @throws AAuthError the reason why not, where the flow has one
   */
  readonly isAllowed: (row: StoredRequest) => Promise<boolean>
}

/** What a code gives: a grant, a token that ends with the upstream one, or a token for a single call. */
export interface CodeOutcome {
  /**
   * Asks rules and policy once more, and signs the token. It stands only once the request has been taken.
   * @throws AAuthError `access_denied`, `invalid_grant`
   */
  issue(): Promise<CodeToken>
  /** The event of a repeated answer; undefined once what the code gave has ended. */
  repeated(): Promise<AuthServerEvent | undefined>
  /** Ends what the code gave, where its first use is over a minute ago, and reports the alarm. */
  endReused(): Promise<void>
}

/** A token that is signed, for a request that is not taken yet. */
export interface CodeToken {
  readonly issued: IssuedToken
  /** Absent for an exchange and an approval: nothing of them can be refreshed. */
  readonly grant?: RedeemedGrant
  /** The single call that the token is for. */
  readonly approval?: RedeemedApproval
  readonly granted: AuthServerEvent
}
