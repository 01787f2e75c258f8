import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Agent } from '@countersign/agent'
import { bridge } from '@countersign/mcp/bridge'
import { agentTransport } from '@countersign/mcp/sdk1/client'
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Listening } from './serve.fixture.js'

// The suite speaks HTTP, and the bridge is for clients that start a program: here it has a session in place of its standard input.

/**
 * Serves what is behind a bridge, which signs with an agent.
 * @param url the MCP server that the bridge is for
 */
export async function serveBridged(url: string, agent: Agent): Promise<Listening> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const isOurs = [localhostHostValidation(), localhostOriginValidation()]
  const begun = async (): Promise<StreamableHTTPServerTransport> => {
    const local: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: id => void sessions.set(id, local),
      onsessionclosed: id => void sessions.delete(id),
    })
    // The SDK's own type of a transport is stricter about what may be undefined than its transports are.
    const remote = (onLost: Parameters<Parameters<typeof bridge>[0]['remote']>[0]) =>
      agentTransport(url, agent, { onLost })
    await bridge({ local: local as Transport, remote }).start()
    return local
  }
  const server = createServer(async (request, response) => {
    if (!isOurs.every(check => check(request, response))) return
    const id = request.headers['mcp-session-id']
    const local = id === undefined ? await begun() : sessions.get(String(id))
    if (local === undefined) response.writeHead(404).end()
    else await local.handleRequest(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      await Promise.all([...sessions.values()].map(session => session.close()))
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
