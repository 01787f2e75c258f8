import type { ErrorCode } from '@countersign/protocol'
import type { LoginEvent } from './login/sign-in.js'

interface Issued {
  readonly agent: string
  readonly delegate?: string
  readonly resource: string
  readonly scope: readonly string[]
  /** The grant's name, the same at every refresh. */
  readonly grant: string
  /** `jti` of the auth token. */
  readonly jti: string
}

/** What an auth server decided, for an audit log: one event per request that was decided, never a token. */
export type AuthServerEvent =
  | LoginEvent
  | ({ readonly type: 'granted' } & Issued)
  | ({ readonly type: 'refreshed' } & Issued)
  | {
      readonly type: 'revoked'
      readonly agent: string
      readonly delegate?: string
      /** False: the caller has no such grant, and nothing happened. */
      readonly found: boolean
    }
  | {
      readonly type: 'refused'
      readonly code: ErrorCode
      readonly status: number
      readonly description: string
      /** The verified caller; absent where verification itself failed. */
      readonly agent?: string
      readonly delegate?: string
      /** What was expected and what came, or the fault behind a 5xx. Holds input of strangers: encode it before showing it. */
      readonly cause?: unknown
      readonly peer?: string
    }
