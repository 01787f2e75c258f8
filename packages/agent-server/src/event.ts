import type { ErrorCode, Reason } from '@countersign/protocol'

/** What an agent server did, for an audit log: one event for each decision; never a token, code or key. */
export type AgentServerEvent = {
  /** The name of the request in the server's log; absent where no request caused the event. */
  readonly request_id?: string
} & (
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
  /** At the start: the epoch mark outside the database was lost, and is written anew. A restored database would have gone unnoticed. */
  | { readonly type: 'alarm'; readonly reason: 'epoch-lost' }
  | { readonly type: 'revoked'; readonly sub: string }
  /** The operator has set what this delegate may be used for. */
  | { readonly type: 'delegation-set'; readonly sub: string }
  | { readonly type: 'enrollment-revoked'; readonly enrollment: string; readonly delegates: number }
  | { readonly type: 'reinstated'; readonly sub: string }
  | { readonly type: 'forgotten'; readonly delegates: number }
  | {
      /** An own key of the agent server: in the JWK set from `published`, used from `signs`, both Unix seconds. */
      readonly type: 'key-made'
      readonly kid: string
      readonly published: number
      readonly signs: number
    }
  | {
      /** The key left the JWK set: every token that it signed has ended. */
      readonly type: 'key-retired'
      readonly kid: string
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
