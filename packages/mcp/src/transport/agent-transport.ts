import type { Agent } from '@countersign/agent'
import { checkOptions } from '@countersign/protocol'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { agentFetch, type Lost } from './agent-fetch.js'

export type { Lost } from './agent-fetch.js'

/** What a transport tells beside messages. */
export interface AgentTransportOptions {
  /** Told where an answer may have been lost; without it whoever waits finds out by their own time limit. */
  readonly onLost?: (lost: Lost) => void
}

/**
 * A transport for the SDK's `Client` whose every request an agent signs; challenges are met on the way, and the session goes on.
 * A request that the agent could not get through fails with a `StreamableHTTPError` that says why, or an `AgentError`. One
 * that is cancelled before it is answered goes no further.
 * @param url the server's endpoint, such as `https://tools.example/mcp`
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export function agentTransport(
  url: string | URL,
  agent: Pick<Agent, 'fetch'>,
  options: AgentTransportOptions = {},
): StreamableHTTPClientTransport {
  checkOptions('agentTransport', options, { onLost: 'function' })
  const { onLost } = options
  return new StreamableHTTPClientTransport(new URL(url), {
    fetch: agentFetch(agent, { attempts: reconnection.maxRetries, ...(onLost === undefined ? {} : { onLost }) }),
    reconnectionOptions: reconnection,
  })
}

/** Some 13 seconds in all. */
const reconnection = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 5,
}
