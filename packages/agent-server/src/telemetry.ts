import type { IssuerAnswer, IssuerTelemetry } from '@countersign/issuer'
import type { AgentServerEvent } from './event.js'

/** What an answered request was for: `delegate_token` enrolment, renewal or rotation, `document` metadata or keys, `other` another path. */
export type AgentServerEndpoint = 'delegate_token' | 'document' | 'other'

/** A request that was answered. */
export type AgentServerAnswer = IssuerAnswer<AgentServerEndpoint>

/** What waits in an agent server now. */
export interface AgentServerLoad {
  /** Writes of this process that wait for their commit. */
  readonly writes: number
}

/** What an agent server measures itself with: `openTelemetry` of `@countersign/agent-server/otel`, or one of your own. */
export type AgentServerTelemetry = IssuerTelemetry<AgentServerEvent, AgentServerAnswer, AgentServerLoad>
