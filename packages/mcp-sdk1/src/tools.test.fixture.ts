import type { Signer } from '@countersign/testing/world/signer'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { expect } from 'vitest'
import { z } from 'zod'
import { type Ask, fetchBy, rpc, sender } from '../../mcp/src/tools.test.fixture.js'
import type { ResourceOptions } from '../../resource/src/index.js'
import { makeWorld, type World } from '../../resource/src/world.test.fixture.js'
import { callerOf, guardMcp, type McpSessionOptions } from './index.js'

export { rpc }

// A server of tools in one process with its callers. Requests are signed as agents sign them, and have the form of received messages.

type Scopes = 'events.read' | 'events.write'

export interface Tools {
  readonly world: World
  readonly participant: ReturnType<typeof guardMcp>
  /** The calls of the tools, with their callers. */
  readonly calls: Array<{ readonly tool: string; readonly by: string }>
  /** The servers of the sessions, newest last. */
  readonly servers: McpServer[]
  /** Sends one request with this signer, or unsigned. */
  send(as: Signer | undefined, ask: Ask): Promise<Response>
  /** A client of the SDK that signs each request with the current signer. */
  client(as: () => Signer | undefined): Promise<Connected>
}

export interface Connected {
  readonly client: Client
  readonly transport: StreamableHTTPClientTransport
  /** The status of every response. */
  readonly statuses: number[]
}

/** Tools that return their caller, and two that call another service. */
export function toolServer(
  { calls, servers }: Pick<Tools, 'calls' | 'servers'>,
  elsewhere = 'https://rooms.example/bookings',
): McpServer {
  const server = new McpServer({ name: 'tools', version: '1' }, { capabilities: { logging: {} } })
  servers.push(server)
  for (const tool of ['echo', 'add', 'secret'])
    server.registerTool(tool, { inputSchema: { text: z.string().optional() } }, async ({ text = '' }, extra) => {
      const { level, agent, delegate, user } = callerOf(extra)
      calls.push({ tool, by: [level, agent, delegate, user?.sub].filter(Boolean).join(' ') })
      return { content: [{ type: 'text', text: `${tool} ${text}` }] }
    })
  server.registerTool('book', {}, async extra => {
    calls.push({ tool: 'book', by: '' })
    const { status } = await callerOf(extra).fetch(elsewhere)
    return { content: [{ type: 'text', text: `booked ${status}` }] }
  })
  server.registerTool('book-or-not', {}, async extra => {
    const booked = await callerOf(extra)
      .fetch(elsewhere)
      .catch(() => undefined)
    return { content: [{ type: 'text', text: booked === undefined ? 'without a room' : 'booked' }] }
  })
  server.registerResource('note', 'note://public/one', {}, async uri => ({
    contents: [{ uri: uri.href, text: 'one' }],
  }))
  server.registerResource('diary', 'note://private/two', {}, async uri => ({
    contents: [{ uri: uri.href, text: 'two' }],
  }))
  server.registerPrompt('greet', {}, () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }] }))
  return server
}

export const rules: McpSessionOptions<Scopes> = {
  session: { level: 'pseudonymous' },
  tools: {
    echo: { level: 'identified' },
    add: { scope: 'events.write' },
    book: { scope: 'events.read' },
    'book-or-not': { scope: 'events.read' },
  },
  resources: { 'note://*': { level: 'pseudonymous' }, 'note://private/*': { scope: 'events.read' } },
}

export async function makeTools(
  options: McpSessionOptions<Scopes> = rules,
  resource: Partial<ResourceOptions<Scopes>> = {},
  given?: World,
): Promise<Tools> {
  const world = given ?? (await makeWorld())
  const calls: Tools['calls'] = []
  const servers: McpServer[] = []
  const now = () => world.clock.now
  const made = { calls, servers }
  const participant = guardMcp(() => toolServer(made), world.calendar(resource), { now, ...options })
  const send = sender(world, participant, /^(mcp-|last-event-id|agent-interaction)/)
  return {
    ...made,
    world,
    participant,
    send,
    async client(as) {
      const statuses: number[] = []
      const transport = new StreamableHTTPClientTransport(new URL('https://calendar.example/mcp'), {
        reconnectionOptions: {
          initialReconnectionDelay: 5,
          maxReconnectionDelay: 5,
          reconnectionDelayGrowFactor: 1,
          maxRetries: 3,
        },
        fetch: fetchBy(send, as, statuses),
      })
      const client = new Client({ name: 'client', version: '1' })
      await client.connect(transport as Parameters<Client['connect']>[0])
      return { client, transport, statuses }
    },
  }
}

export const initialize: string = rpc(
  'initialize',
  { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  0,
)

/** The messages of a stream, until it ends. */
export async function messagesOf(response: Response): Promise<Array<Readonly<Record<string, unknown>>>> {
  const text = await response.text()
  return [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data = '']) => JSON.parse(data))
}

/** Opens a session without the SDK, and returns its id. */
export async function openSession(tools: Tools, as: Signer | undefined): Promise<string> {
  const response = await tools.send(as, { body: initialize })
  expect(response.status, await response.clone().text()).toBe(200)
  await response.text()
  return response.headers.get('mcp-session-id') ?? ''
}
