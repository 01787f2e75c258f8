import type { Agent } from '@countersign/agent'
import { agentTransport } from '@countersign/mcp/client'
import { Client } from '@modelcontextprotocol/client'
import { stepsOf } from './stage.js'

/** A client of the MCP SDK whose requests an agent signs. */
export interface ToolsClient {
  /** The revision of MCP that client and server speak. */
  readonly revision: string | undefined
  /** The name of the server. */
  readonly server: string | undefined
  /** The extensions that the server announces. */
  readonly extensions: Readonly<Record<string, unknown>>
  /** The tools, each with its requirement and whether the caller may use it. */
  list(): Promise<readonly string[]>
  call(name: string, args?: Readonly<Record<string, unknown>>): Promise<Called>
  close(): Promise<void>
}

/** What came of a call. */
export interface Called {
  /** The JSON that the tool has answered; empty when there is none. */
  readonly said: Readonly<Record<string, unknown>>
  /** Why the call was refused; empty when it was not. */
  readonly refused: string
  /** The JSON-RPC messages that the client has sent for it. */
  readonly sent: readonly string[]
  /** The steps by which the agent got the answers. */
  readonly steps: string
}

/** Options of {@link toolsClient}. */
export interface ToolsClientOptions {
  /** The endpoint. */
  readonly url: string
  /** The agent that signs. */
  readonly agent: Pick<Agent, 'fetch'>
  /** `2025-11-25` is what clients of the SDK speak unless they are told otherwise. */
  readonly revision: '2026-07-28' | '2025-11-25'
  /** Sends the user to a URL at the request of the server. A client without it cannot, and says so in each request. */
  readonly visit?: (url: string, message: string) => Promise<void>
}

/** A message that was sent, and the answer that the agent got. */
interface Posted {
  readonly body: string
  readonly response: Response
}

/** Connects a client. */
export async function toolsClient({ url, agent, revision, visit }: ToolsClientOptions): Promise<ToolsClient> {
  // bound: one call
  const posted: Posted[] = []
  const client = new Client(
    { name: 'playground', version: '1' },
    {
      ...(visit === undefined ? {} : { capabilities: { elicitation: { url: {} } } }),
      ...(revision === '2026-07-28' ? { versionNegotiation: { mode: { pin: revision } } } : {}),
    },
  )
  if (visit !== undefined)
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (!('url' in params)) return { action: 'cancel' }
      await visit(params.url, params.message)
      return { action: 'accept' }
    })
  const transport = agentTransport(url, {
    async fetch(input, init) {
      const response = await agent.fetch(input, init)
      if (typeof init?.body === 'string') posted.push({ body: init.body, response })
      return response
    },
  })
  await client.connect(transport)
  return {
    revision: client.getNegotiatedProtocolVersion(),
    server: client.getServerVersion()?.name,
    extensions: client.getServerCapabilities()?.extensions ?? {},
    list: async () => (await client.listTools()).tools.map(lineOf),
    async call(name, args = {}) {
      const before = posted.length
      const answer = await answerOf(client.callTool({ name, arguments: { ...args } }))
      const own = posted.slice(before)
      return {
        ...answer,
        sent: own.map(({ body }) => body),
        steps: own.map(({ response }) => stepsOf(response)).join(' '),
      }
    },
    close: () => client.close(),
  }
}

async function answerOf(result: Promise<{ readonly content?: unknown }>): Promise<Pick<Called, 'said' | 'refused'>> {
  try {
    const [{ text = '{}' } = {}] = (await result).content as ReadonlyArray<{ readonly text?: string }>
    return { said: JSON.parse(text), refused: '' }
  } catch (error) {
    return { said: {}, refused: error instanceof Error ? error.message : String(error) }
  }
}

interface ListedTool {
  readonly name: string
  readonly _meta?: Readonly<Record<string, unknown>> | undefined
}

function lineOf({ name, _meta }: ListedTool): string {
  const { level, scope } = Object(_meta?.['aauth/requires'])
  const allowed = _meta?.['aauth/allowed'] === true ? 'yes' : 'not yet'
  return [name, level, scope, allowed].filter(Boolean).join(' ')
}
