import type { ServerEventBus } from '@modelcontextprotocol/server'
import type { McpOAuth } from './protected-resource.js'
import type { McpRules } from './rules/mcp-rules.js'
import type { StreamLimits } from './stream/shares.js'

/** The options of `guardMcp`. */
export interface McpOptions<S extends string> extends McpRules<S> {
  /** Path of the endpoint. Default `/mcp`. */
  readonly path?: string
  /** OAuth clients that are accepted beside agents. Default none. */
  readonly oauth?: McpOAuth
  /**
   * Clients of revision 2025-11-25 and before: `stateless` serves each of their requests by itself, without sessions and streams opened
   * by GET; `reject` serves none. Default `stateless`. For sessions use `guardMcp` of `@countersign/mcp-sdk1`.
   */
  readonly legacy?: 'stateless' | 'reject'
  readonly limits?: Partial<StreamLimits>
  /** Seconds that a stream lasts at most; it also ends with the token of the request that opened it. Default 3600. */
  readonly streamSeconds?: number
  /** Carries changes to the subscribers of all instances. Default: those of this process. */
  readonly bus?: ServerEventBus
  /** Called with what the SDK refuses, and with what a server throws outside of its handlers. */
  readonly onError?: (error: Error) => void
  /** Unix seconds. */
  readonly now?: () => number
}
