import type { McpOAuth, McpRules } from '@countersign/mcp/internal/rules'
import type { SessionLimits } from './session/sessions.js'

/** The options of `guardMcp`. */
export interface McpSessionOptions<S extends string> extends McpRules<S> {
  /** Path of the endpoint. Default `/mcp`. */
  readonly path?: string
  /** OAuth clients that are accepted beside agents. Default none. */
  readonly oauth?: McpOAuth
  readonly limits?: Partial<SessionLimits>
  /** Events of a session that are kept for resumed streams; default 1000, and 128 MiB of all sessions. */
  readonly recentEvents?: number
  /** Seconds that a stream lasts at most; it also ends with the token of the request that opened it. Default 3600. */
  readonly streamSeconds?: number
  /** Unix seconds. */
  readonly now?: () => number
}
