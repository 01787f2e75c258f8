import type { AgentServerEvent } from './event.js'

/** What an answered request was for: `delegate_token` enrolment, renewal or rotation, `document` metadata or keys, `other` another path. */
export type AgentServerEndpoint = 'delegate_token' | 'document' | 'other'

/** A request that was answered. */
export interface AgentServerAnswer {
  readonly endpoint: AgentServerEndpoint
  /** Of the response. */
  readonly status: number
  /** Seconds from the read request to the response. */
  readonly seconds: number
}

/** What waits in an agent server now. */
export interface AgentServerLoad {
  /** Writes of this process that wait for their commit. */
  readonly writes: number
}

/**
 * What an agent server measures itself with: `openTelemetry` of `@countersign/agent-server/otel`, or one of your own. All
 * of it is called as things happen, and must not wait; what it throws changes nothing.
 */
export interface AgentServerTelemetry {
  /** Receives every event, as `onEvent` does. */
  event(event: AgentServerEvent): void
  /** A request was answered. */
  answered(answer: AgentServerAnswer): void
  /**
   * A server with a database has opened. `load` says what waits now.
   * @returns called when the server closes
   */
  opened(load: () => Promise<AgentServerLoad>): () => void
}
