import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { generateSigningKey } from '@countersign/httpsig'
import { fromNode } from '@countersign/httpsig/node'
import { createResource } from '@countersign/resource'
import { wellKnown } from '@countersign/resource/node'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'

/** An MCP server that lets the identified in, and asks their user before a tool is called. */
export interface McpServer {
  /** Of sessions that are live, in the order in which they began. */
  readonly sessions: Map<string, StreamableHTTPServerTransport>
  /** Names of tools, as they were called. */
  readonly called: string[]
  close(): Promise<void>
}

export async function mcpServer(id: string, authServer: string): Promise<McpServer> {
  const resource = createResource({
    id,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    authServers: [authServer],
    development: true,
    scopes: { 'tools.call': 'Call its tools' },
  })
  const known = wellKnown(resource)
  const [open, asks] = [resource.declare({ level: 'identified' }), resource.declare({ scope: 'tools.call' })]
  const sessions: McpServer['sessions'] = new Map()
  const called: string[] = []

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await known(request, response)) return
    const message = await fromNode(request, { bodyLimit: 1_048_576 })
    const body = message.body === undefined || message.body.length === 0 ? undefined : parsed(message.body)
    const authorization = await resource.authorize(message, body?.method === 'tools/call' ? asks : open)
    if (!authorization.ok) {
      response.writeHead(authorization.response.status, Object.fromEntries(authorization.response.headers))
      response.end(await authorization.response.text())
      return
    }
    const session = request.headers['mcp-session-id']
    const transport = session === undefined ? await begun(sessions, called) : sessions.get(String(session))
    if (transport === undefined) response.writeHead(404).end()
    else await transport.handleRequest(request, response, body)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(error => response.destroy(error))
  })
  await new Promise<void>(resolve => server.listen(Number(new URL(id).port), '127.0.0.1', resolve))
  return {
    sessions,
    called,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function parsed(body: Uint8Array): { readonly method?: string } {
  return JSON.parse(new TextDecoder().decode(body))
}

async function begun(sessions: McpServer['sessions'], called: string[]): Promise<StreamableHTTPServerTransport> {
  const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: session => void sessions.set(session, transport),
    onsessionclosed: session => void sessions.delete(session),
  })
  const server = new Server({ name: 'tools', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [{ name: 'pay', inputSchema: { type: 'object' as const } }],
  }))
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    called.push(params.name)
    return { content: [{ type: 'text', text: `done: ${params.name}` }] }
  })
  // The SDK's own type of a transport is stricter about what may be undefined than its transports are.
  await server.connect(transport as Parameters<typeof server.connect>[0])
  return transport
}
