import type { ErrorCode } from '@countersign/protocol'

/** What an agent server did, for an audit log: one event per answer that matters, never a token, code or key. */
export type AgentServerEvent =
  | { readonly type: 'invited'; readonly sub: string }
  | { readonly type: 'enrolled'; readonly sub: string; readonly jkt: string; readonly peer?: string }
  | { readonly type: 'renewed'; readonly sub: string; readonly jkt: string; readonly peer?: string }
  | { readonly type: 'revoked'; readonly sub: string }
  | {
      readonly type: 'refused'
      readonly code: ErrorCode
      readonly status: number
      readonly description: string
      /** What was expected and what came, or the fault behind a 5xx. Holds input of strangers: encode it before showing it. */
      readonly cause?: unknown
      readonly peer?: string
    }
