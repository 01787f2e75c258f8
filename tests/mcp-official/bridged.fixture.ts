import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Agent } from '@countersign/agent'
import { agentTransport } from '@countersign/mcp/client'
import { type BridgeTransport, bridge, type RpcMessage } from '@countersign/mcp-sdk1/bridge'
import { agentTransport as agentTransportOfSdk1 } from '@countersign/mcp-sdk1/client'
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
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
    const remote = (onLost: Parameters<Parameters<typeof bridge>[0]['remote']>[0]) =>
      agentTransportOfSdk1(url, agent, { onLost })
    await bridge({ local: local as BridgeTransport, remote }).start()
    return local
  }
  const server = createServer(async (request, response) => {
    if (!isOurs.every(check => check(request, response))) return
    const id = request.headers['mcp-session-id']
    const local = id === undefined ? await begun() : sessions.get(String(id))
    if (local === undefined) response.writeHead(404).end()
    else await local.handleRequest(request, response)
  })
  return listening(server, () => Promise.all([...sessions.values()].map(session => session.close())))
}

/** The same for a revision without sessions: a program is started for each request, and its messages are the events of the answer. */
export async function serveBridgedStateless(url: string, agent: Agent): Promise<Listening> {
  const isOurs = [localhostHostValidation(), localhostOriginValidation()]
  const server = createServer(async (request, response) => {
    if (!isOurs.every(check => check(request, response))) return
    const message = (await json(request)) as RpcMessage
    const local = localOf(message, response)
    const between = bridge({ local, remote: onLost => agentTransport(url, agent, { onLost }) })
    response.once('close', () => void between.close())
    await between.start()
    local.onmessage?.(message)
    if (!('id' in message)) response.writeHead(202).end()
  })
  return listening(server, async () => undefined)
}

/** The status that HTTP has for an error that comes instead of an answer. */
const statuses: Readonly<Record<number, number>> = { [-32_601]: 404, [-32_021]: 400, [-32_022]: 400 }

/** The client of one message: what comes for it is an event, and its answer ends the stream. */
function localOf(asked: RpcMessage, response: ServerResponse): BridgeTransport {
  return {
    start: async () => undefined,
    close: async () => undefined,
    async send(message) {
      const code = 'error' in message ? message.error.code : 0
      if (!response.headersSent) response.writeHead(statuses[code] ?? 200, { 'content-type': 'text/event-stream' })
      response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
      if (!('method' in message) && 'id' in asked && message.id === asked.id) response.end()
    },
  } as BridgeTransport
}

async function listening(server: ReturnType<typeof createServer>, end: () => Promise<unknown>): Promise<Listening> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      await end()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
