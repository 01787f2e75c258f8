import type { Agent } from '@countersign/agent'
import { SdkErrorCode, SdkHttpError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import {
  type AgentTransportOptions,
  agentFetch,
  checkTransportOptions,
  type Refusal,
  reconnection,
} from './agent-fetch.js'

export type { AgentTransportOptions, Lost } from './agent-fetch.js'

/**
 * A transport for the `Client` of SDK 2, to servers of revision 2026-07-28 and of the ones before. The agent signs every request and
 * answers challenges, also while a task runs. A refused request fails with an `SdkHttpError` that says why, or with an `AgentError`. A
 * request that is cancelled while the agent waits for its user is not sent.
 * @param url the server's endpoint, such as `https://tools.example/mcp`
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports#streamable-http
 * @example
 * ```ts
 * import { createAgent, pseudonym } from '@countersign/agent'
 * import { agentTransport } from '@countersign/mcp/client'
 * import { Client } from '@modelcontextprotocol/client'
 *
 * const agent = createAgent({ identity: pseudonym() })
 * const client = new Client({ name: 'me', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
 * await client.connect(agentTransport('https://tools.example/mcp', agent))
 * ```
 */
export function agentTransport(
  url: string | URL,
  agent: Pick<Agent, 'fetch'>,
  options: AgentTransportOptions = {},
): StreamableHTTPClientTransport {
  checkTransportOptions(options)
  const { onLost, maxMessageBytes } = options
  return new StreamableHTTPClientTransport(new URL(url), {
    fetch: agentFetch(agent, { attempts: reconnection.maxRetries, onLost, maxMessageBytes, refused: errorOf }),
    reconnectionOptions: reconnection,
  })
}

function errorOf({ status, reason, method }: Refusal): Error | undefined {
  // The SDK reads the JSON-RPC error of such a response, and what revisions the server speaks.
  if (status === 400) return undefined
  const error = new SdkHttpError(codes[status] ?? SdkErrorCode.ClientHttpNotImplemented, reason, { status })
  // Of an HTTP error the SDK's negotiation tells the status only.
  return method === 'server/discover' ? new Error(reason, { cause: error }) : error
}

const codes: Readonly<Record<number, SdkErrorCode>> = {
  401: SdkErrorCode.ClientHttpAuthentication,
  403: SdkErrorCode.ClientHttpForbidden,
}
