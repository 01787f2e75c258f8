import type { ReceivedMessage } from '@countersign/httpsig'
import type { Reason } from '@countersign/protocol'
import { peerOf, requestIdOf } from '@countersign/verify/internal'

/** A sign-in, a sign-out, or a failed sign-in; never a secret. */
export type LoginEvent = {
  /** The name of the request in the server's log, where the server named it. */
  readonly request_id?: string
} & (
  | { readonly type: 'signed_in'; readonly sub: string; readonly provider: string; readonly peer?: string }
  | { readonly type: 'signed_out'; readonly sub: string; readonly peer?: string }
  /** What a user did with their account. `passkey_copied`: a passkey was refused because its counter went back. */
  | {
      readonly type:
        | 'passkey_added'
        | 'passkey_removed'
        | 'passkey_copied'
        | 'account_created'
        | 'account_recovered'
        | 'account_deleted'
      readonly sub: string
      readonly peer?: string
    }
  /** A user added an account at a provider to their own, or removed it. */
  | {
      readonly type: 'provider_linked' | 'provider_unlinked'
      readonly sub: string
      readonly provider: string
      readonly peer?: string
    }
  | {
      readonly type: 'sign_in_failed'
      /** Absent where none was chosen yet. */
      readonly provider?: string
      readonly code: string
      /** A stable name, finer than the code. docs/reasons.md lists all. */
      readonly reason: Reason
      readonly description: string
      /** Holds input of the provider or a stranger: encode it before showing it. */
      readonly cause?: unknown
      readonly peer?: string
    }
)

/** What every event says of its request. */
export function toldOf(message: ReceivedMessage): { readonly peer?: string; readonly request_id?: string } {
  return { ...peerOf(message), ...requestIdOf(message) }
}
