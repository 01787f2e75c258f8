import type { IssuerEvent } from '@countersign/issuer'
import type { ErrorCode, Reason } from '@countersign/protocol'

/** What an agent server did, for an audit log: one event for each decision; never a token, code or key. */
export type AgentServerEvent = {
  /** The name of the request in the server's log; absent where no request caused the event. */
  readonly request_id?: string
} & (
  | IssuerEvent
  | { readonly type: 'invited'; readonly sub: string; readonly enrollment: string }
  | {
      readonly type: 'enrolled'
      readonly sub: string
      /** How it enrolled, e.g. `oidc:ci`. */
      readonly enrollment: string
      readonly jkt: string
      readonly peer?: string
    }
  | { readonly type: 'renewed'; readonly sub: string; readonly jkt: string; readonly peer?: string }
  | {
      readonly type: 'rotated'
      readonly sub: string
      /** Thumbprint of the new key. */
      readonly jkt: string
      readonly previous_jkt: string
      readonly peer?: string
    }
  | {
      /** A request was signed by a key that a rotation or enrolment replaced: the delegate mixed up its keys, or one was stolen. */
      readonly type: 'alarm'
      readonly reason: 'replaced-key'
      readonly sub: string
      readonly jkt: string
      readonly peer?: string
    }
  | {
      /** An OpenID issuer serves invalid configuration or keys. The last valid ones are used for up to an hour. */
      readonly type: 'alarm'
      readonly reason: 'issuer-garbage'
      readonly issuer: string
    }
  /** For the audit log only: a backup was made ready; what that ended. */
  | { readonly type: 'restored'; readonly codes: number; readonly delegates: number; readonly keys: number }
  /** For the audit log only: refusals that were too many to be recorded one by one. */
  | {
      readonly type: 'refusals_counted'
      /** Whose they were; absent: those of all others. */
      readonly sub?: string
      readonly refusals: number
      /** Unix seconds: the first of them is not older. */
      readonly since: number
    }
  | { readonly type: 'revoked'; readonly sub: string }
  /** The operator has set what this delegate may be used for. */
  | { readonly type: 'delegation_set'; readonly sub: string }
  | { readonly type: 'enrollment_revoked'; readonly enrollment: string; readonly delegates?: number }
  | { readonly type: 'reinstated'; readonly sub: string }
  | {
      readonly type: 'forgotten'
      /** How many; absent in the audit log, which is written before. */
      readonly delegates?: number
      /** In the audit log only: those that were not seen since, Unix seconds. */
      readonly unseen_since?: number
    }
  | {
      readonly type: 'refused'
      readonly code: ErrorCode
      /** A stable name, finer than the code. docs/reasons.md lists all. */
      readonly reason: Reason
      readonly status: number
      readonly description: string
      /** The verified delegate; absent where verification failed, and for an enrolment. */
      readonly sub?: string
      /** Expected and received values, or the fault behind a 5xx. Holds input of strangers: encode it before showing it. */
      readonly cause?: unknown
      readonly peer?: string
    }
)
