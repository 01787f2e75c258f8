import type { Agent } from '@countersign/agent'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

/**
 * A transport for the SDK's `Client` whose every request an agent signs; challenges are met on the way, and the session goes on.
 * @param url the server's endpoint, such as `https://tools.example/mcp`
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export function agentTransport(url: string | URL, agent: Pick<Agent, 'fetch'>): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(url), { fetch: (input, init) => agent.fetch(input, init) })
}
