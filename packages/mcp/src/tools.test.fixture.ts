import type { MountableParticipant } from '@countersign/server'
import type { Signer } from '@countersign/testing/world/signer'
import { Client, type ClientOptions, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { inputRequired, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { ResourceOptions } from '../../resource/src/index.js'
import { makeWorld, type World } from '../../resource/src/world.test.fixture.js'
import { callerOf, guardMcp, type McpOptions } from './index.js'

// A server of SDK 2 in one process with its callers. Requests are signed as agents sign them, and have the form of received messages.

type Scopes = 'events.read' | 'events.write'

export interface Tools {
  readonly world: World
  readonly participant: ReturnType<typeof guardMcp>
  /** The calls of the tools, with their callers. */
  readonly calls: Array<{ readonly tool: string; readonly by: string }>
  /** Sends one request with this signer, or unsigned. */
  send(as: Signer | undefined, ask: Ask): Promise<Response>
  /** Sends one message of revision 2026-07-28, with the headers that belong to it unless others are given. */
  say(as: Signer | undefined, message: Said): Promise<Response>
  /** A client of the SDK that signs each request with the current signer. */
  client(as: () => Signer | undefined, options?: ClientOptions): Promise<Connected>
}

export interface Ask {
  readonly method?: string
  readonly target?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Names of headers that the signature does not cover. */
  readonly uncovered?: readonly string[]
}

/** A message, and what its headers say instead of it. */
export interface Said {
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly id?: number | string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly capabilities?: object
  readonly uncovered?: readonly string[]
}

export interface Connected {
  readonly client: Client
  /** The status of every response. */
  readonly statuses: number[]
}

/** Tools that return their caller, ask for input, begin tasks, and call another service. */
export function toolServer({ calls }: Pick<Tools, 'calls'>, elsewhere = 'https://rooms.example/bookings'): McpServer {
  const server = new McpServer(
    { name: 'tools', version: '1' },
    { capabilities: { logging: {}, resources: { subscribe: true, listChanged: true }, tools: { listChanged: true } } },
  )
  for (const tool of ['echo', 'add', 'secret'])
    server.registerTool(
      tool,
      { inputSchema: z.object({ text: z.string().optional() }) },
      async ({ text = '' }, ctx) => {
        const { level, agent, delegate, user } = callerOf(ctx)
        calls.push({ tool, by: [level, agent, delegate, user?.sub].filter(Boolean).join(' ') })
        return { content: [{ type: 'text', text: `${tool} ${text}` }] }
      },
    )
  server.registerTool('ask', {}, async ctx => {
    const answers = ctx.mcpReq.inputResponses
    if (answers === undefined)
      return inputRequired({
        requestState: 'asked',
        inputRequests: {
          who: inputRequired.elicit({ message: 'Who?', requestedSchema: { type: 'object', properties: {} } }),
        },
      })
    calls.push({ tool: 'ask', by: `${ctx.mcpReq.requestState()}` })
    return { content: [{ type: 'text', text: `${ctx.mcpReq.requestState()} ${JSON.stringify(answers['who'])}` }] }
  })
  server.registerTool('slow', {}, async ctx => {
    for (const progress of [1, 2])
      await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken: 'p', progress } })
    return { content: [{ type: 'text', text: 'done' }] }
  })
  server.registerTool('book', {}, async ctx => {
    calls.push({ tool: 'book', by: '' })
    const { status } = await callerOf(ctx).fetch(elsewhere)
    return { content: [{ type: 'text', text: `booked ${status}` }] }
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

export const rules: McpOptions<Scopes> = {
  session: { level: 'pseudonymous' },
  tools: {
    echo: { level: 'identified' },
    add: { scope: 'events.write' },
    book: { scope: 'events.read' },
    ask: { level: 'identified' },
    slow: { level: 'identified' },
  },
  resources: { 'note://*': { level: 'pseudonymous' }, 'note://private/*': { scope: 'events.read' } },
}

/** How a server is made for a test. */
export interface Making {
  readonly options?: McpOptions<Scopes>
  readonly resource?: Partial<ResourceOptions<Scopes>>
  readonly world?: World
  readonly server?: Parameters<typeof guardMcp>[0]
}

export async function makeTools({ options = rules, resource = {}, world: given, server }: Making = {}): Promise<Tools> {
  const world = given ?? (await makeWorld())
  const calls: Tools['calls'] = []
  const now = () => world.clock.now
  const create = server ?? (() => toolServer({ calls }))
  const participant = guardMcp(create, world.calendar(resource), { now, ...options })
  const send = sender(world, participant, /^(mcp-|agent-interaction)/)
  return {
    calls,
    world,
    participant,
    send,
    say: (as, said) => send(as, askOf(said)),
    async client(as, options = { versionNegotiation: { mode: { pin: '2026-07-28' } } }) {
      const statuses: number[] = []
      const transport = new StreamableHTTPClientTransport(new URL('https://calendar.example/mcp'), {
        fetch: fetchBy(send, as, statuses),
      })
      const client = new Client({ name: 'client', version: '1' }, options)
      await client.connect(transport)
      return { client, statuses }
    },
  }
}

/** Sends requests to a participant in this process; the signature covers the headers whose names match. */
export function sender(
  world: World,
  participant: Pick<MountableParticipant, 'handle'>,
  covered: RegExp,
): Tools['send'] {
  return async (as, { method = 'POST', target = '/mcp', body, headers = {}, uncovered = [] }) => {
    const { 'content-type': contentType = 'application/json', ...others } = headers
    const json = body === undefined ? {} : { body, contentType }
    const lines: Array<[string, string]> = Object.entries({ accept: 'application/json, text/event-stream', ...others })
    const additionalComponents = Object.keys(headers).filter(name => covered.test(name) && !uncovered.includes(name))
    const wire =
      as === undefined
        ? unsigned({ method, target, lines, body, contentType })
        : await world.request({ as, method, target, headers: lines, additionalComponents, ...json })
    try {
      return await participant.handle(wire)
    } catch (error) {
      const { code, reason, status = 500 } = Object(error)
      return Response.json({ error: code, reason }, { status })
    }
  }
}

/** The `fetch` of a transport of the SDK: signs with the current signer, and notes the status of every response. */
export function fetchBy(send: Tools['send'], as: () => Signer | undefined, statuses: number[]): typeof fetch {
  return async (input, init = {}) => {
    const request = new Request(input, init)
    const text = await request.text()
    const kept = [...request.headers].filter(([name]) => name !== 'content-type')
    const response = await send(as(), {
      method: request.method,
      target: new URL(request.url).pathname,
      headers: Object.fromEntries(kept),
      ...(text === '' ? {} : { body: text }),
    })
    statuses.push(response.status)
    return response
  }
}

interface Unsigned {
  readonly method: string
  readonly target: string
  readonly lines: Array<[string, string]>
  readonly body: string | undefined
  readonly contentType: string
}

function unsigned({ method, target, lines, body, contentType }: Unsigned) {
  const headers: Array<[string, string]> = [['host', 'calendar.example'], ...lines]
  if (body === undefined) return { method, target, headers }
  headers.push(['content-type', contentType])
  return { method, target, headers, body: new TextEncoder().encode(body) }
}

/** The envelope that stands in each request of revision 2026-07-28. */
export const envelope = (capabilities: object = {}): object => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': capabilities,
})

/** A message of revision 2026-07-28 as it is sent. */
export function askOf({ method, params = {}, id = 1, headers = {}, capabilities, uncovered = [] }: Said): Ask {
  const _meta = { ...envelope(capabilities), ...Object(Object(params)._meta) }
  const name = params['name'] ?? params['uri'] ?? params['taskId']
  const said = {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': headerText(name) } : {}),
    ...headers,
  }
  const sent = Object.entries(said).filter((line): line is [string, string] => line[1] !== undefined)
  return { body: rpc(method, { ...params, _meta }, id), headers: Object.fromEntries(sent), uncovered }
}

/** A JSON-RPC message as text. */
export const rpc = (method: string, params?: object, id?: number | string): string =>
  JSON.stringify({ jsonrpc: '2.0', method, ...(params && { params }), ...(id !== undefined && { id }) })

/** The answer to a request, and the messages before it, of a response of either kind. */
export async function messagesOf(response: Response): Promise<Array<Readonly<Record<string, unknown>>>> {
  const text = await response.text()
  if (text.startsWith('{')) return [JSON.parse(text)]
  return [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data = '']) => JSON.parse(data))
}

/** A name as `Mcp-Name` has it. */
function headerText(name: string): string {
  return /^[\x21-\x7e]*$/.test(name) ? name : `=?base64?${Buffer.from(name).toString('base64')}?=`
}
