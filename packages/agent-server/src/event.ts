import type { ErrorCode } from '@countersign/protocol'

/** What an agent server did, for an audit log: one event per answer that matters, never a token, code or key. */
export type AgentServerEvent = {
  /** The name of the request in the server's log; absent for what no request decided. */
  readonly request_id?: string
} & (
  | { readonly type: 'invited'; readonly sub: string; readonly enrollment: string }
  | {
      readonly type: 'enrolled'
      readonly sub: string
      /** What it came by, e.g. `oidc:ci`. */
      readonly enrollment: string
      readonly jkt: string
      readonly peer?: string
    }
  | { readonly type: 'renewed'; readonly sub: string; readonly jkt: string; readonly peer?: string }
  | {
      readonly type: 'rotated'
      readonly sub: string
      /** Thumbprint of the key that stands for the delegate now. */
      readonly jkt: string
      readonly previous_jkt: string
      readonly peer?: string
    }
  | {
      /** Someone still uses a key that a rotation or an enrolment replaced: the delegate lost count of its keys, or lost one. */
      readonly type: 'alarm'
      readonly reason: 'replaced-key'
      readonly sub: string
      readonly jkt: string
      readonly peer?: string
    }
  | {
      /** An OpenID issuer serves garbage in place of its configuration or keys; the last good ones stand in for up to an hour. */
      readonly type: 'alarm'
      readonly reason: 'issuer-garbage'
      readonly issuer: string
    }
  /** At the start: the database had an epoch, and its mark was lost and is written anew. A restored database would go unnoticed. */
  | { readonly type: 'alarm'; readonly reason: 'epoch-lost' }
  | { readonly type: 'revoked'; readonly sub: string }
  | { readonly type: 'enrollment-revoked'; readonly enrollment: string; readonly delegates: number }
  | { readonly type: 'reinstated'; readonly sub: string }
  | { readonly type: 'forgotten'; readonly delegates: number }
  | {
      /** A key of the agent server's own: in the JWK set from `published`, used from `signs`, both Unix seconds. */
      readonly type: 'key-made'
      readonly kid: string
      readonly published: number
      readonly signs: number
    }
  | {
      /** It is in the JWK set no more: every token that it signed has ended. */
      readonly type: 'key-retired'
      readonly kid: string
    }
  | {
      readonly type: 'refused'
      readonly code: ErrorCode
      readonly status: number
      readonly description: string
      /** The verified delegate; absent where verification itself failed, and where a key was to enrol. */
      readonly sub?: string
      /** What was expected and what came, or the fault behind a 5xx. Holds input of strangers: encode it before showing it. */
      readonly cause?: unknown
      readonly peer?: string
    }
)
