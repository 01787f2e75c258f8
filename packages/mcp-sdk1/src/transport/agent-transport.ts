import type { Agent } from '@countersign/agent'
import {
  type AgentTransportOptions,
  agentFetch,
  checkTransportOptions,
  reconnection,
} from '@countersign/mcp/internal/client'
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

export type { AgentTransportOptions, Lost } from '@countersign/mcp/internal/client'

/**
 * A transport for the SDK's `Client`. The agent signs every request and answers challenges; the session stays the same. A refused
 * request fails with a `StreamableHTTPError` that says why, or with an `AgentError`. A request that is cancelled while the agent
 * waits for its user is not sent.
 * @param url the server's endpoint, such as `https://tools.example/mcp`
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export function agentTransport(
  url: string | URL,
  agent: Pick<Agent, 'fetch'>,
  options: AgentTransportOptions = {},
): StreamableHTTPClientTransport {
  checkTransportOptions(options)
  const { onLost, maxMessageBytes } = options
  return new StreamableHTTPClientTransport(new URL(url), {
    fetch: agentFetch(agent, {
      attempts: reconnection.maxRetries,
      onLost,
      maxMessageBytes,
      refused: ({ status, reason }) => new StreamableHTTPError(status, reason),
    }),
    reconnectionOptions: reconnection,
  })
}
