import type { Agent } from '@countersign/agent'
import { agentTransport } from '@countersign/mcp/client'
import {
  Client,
  type ClientCapabilities,
  SdkError,
  SdkErrorCode,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { gatewayTo } from './gateway.fixture.js'
import { oauthUser, type Registered, withConsent } from './oauth-user.fixture.js'

// A client for the scenarios of the official suite. What it can do is the SDK's; every request goes through an agent. Servers that
// ask for OAuth get its requests as they are; in front of the others stands a gateway, for which it must sign each.

/** What the suite tells a client. */
export interface ClientRun {
  readonly scenario: string
  /** The revision of MCP. */
  readonly version: string
  readonly context: { readonly toolCalls?: readonly ToolCall[] } & Registered
  /** The suite's server. */
  readonly url: string
}

interface ToolCall {
  readonly name: string
  readonly arguments: Record<string, unknown>
}

/** A client that is connected. */
interface Connected {
  readonly client: Client
  readonly context: ClientRun['context']
  /** Runs what the user may have to agree to first. */
  asking<T>(run: () => Promise<T>): Promise<T>
}

/** Does what a scenario asks of a client. */
export async function runClient(agent: Agent, { scenario, version, context, url }: ClientRun): Promise<void> {
  const server = new URL(url)
  const path = server.pathname as `/${string}`
  const gateway = scenario.startsWith('auth/')
    ? undefined
    : await gatewayTo(server.origin, { path, level: 'identified' })
  const user = oauthUser(scenario, context)
  const client = makeClient(version)
  let transport: StreamableHTTPClientTransport
  const asking = <T>(run: () => Promise<T>): Promise<T> =>
    withConsent(user, answer => transport.finishAuth(answer), run)
  try {
    await asking(async () => {
      // For OAuth, the SDK's own transport over the agent's fetch.
      transport =
        gateway === undefined
          ? new StreamableHTTPClientTransport(server, { fetch: agent.fetch, authProvider: user.provider })
          : agentTransport(new URL(path, gateway.url), agent)
      await client.connect(transport)
    })
    await (others[scenario] ?? callAll)({ client, context, asking })
  } finally {
    await client.close()
    await gateway?.close()
  }
}

function makeClient(version: string): Client {
  const capabilities: ClientCapabilities = { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} }
  const mode = version < '2026' ? 'legacy' : { pin: version }
  const client = new Client(
    { name: 'countersign-official', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode } },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => {
    const isQuestion = 'requestedSchema' in params && 'confirmed' in params.requestedSchema.properties
    return { action: 'accept', content: isQuestion ? { confirmed: true } : {} }
  })
  client.setRequestHandler('sampling/createMessage', () => ({
    role: 'assistant' as const,
    model: 'none',
    content: { type: 'text' as const, text: 'Hello' },
  }))
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///work', name: 'work' }] }))
  return client
}

/** Arguments that a tool takes, as far as its schema tells. */
function argumentsFor(schema: { readonly properties?: object | undefined }): Record<string, unknown> {
  const properties: Array<[string, { readonly type?: unknown }]> = Object.entries(schema.properties ?? {})
  return Object.fromEntries(properties.map(([name, { type }]) => [name, type === 'number' ? 5 : 'north']))
}

type Act = (connected: Connected) => Promise<unknown>

/** Lists the tools, and calls each once. */
const callAll: Act = async ({ client, asking }) => {
  const { tools } = await asking(() => client.listTools())
  for (const { name, inputSchema } of tools)
    await asking(() => client.callTool({ name, arguments: argumentsFor(inputSchema) }))
}

/** As above, and the last answer is of no known type: the SDK takes that for no answer at all. */
const callUnfinished: Act = connected =>
  callAll(connected).catch(error => {
    if (!(error instanceof SdkError) || error.code !== SdkErrorCode.InvalidResult) throw error
  })

const useEverything: Act = async connected => {
  const { client } = connected
  await callAll(connected)
  for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri })
  for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name })
}

const callAsTold: Act = async ({ client, context }) => {
  await client.listTools()
  for (const call of context.toolCalls ?? []) await client.callTool(call)
}

const echoSchema: Act = async ({ client }) => {
  const { tools } = await client.listTools()
  const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema
  await client.callTool({ name: 'json_schema_echo', arguments: { schema } })
}

const listOnly: Act = ({ client }) => client.listTools()

/** What scenarios ask for, other than to call each tool. */
const others: Readonly<Record<string, Act>> = {
  initialize: listOnly,
  'request-metadata': listOnly,
  'sep-2322-client-request-state': callUnfinished,
  'http-standard-headers': useEverything,
  'http-custom-headers': callAsTold,
  'json-schema-ref-no-deref': listOnly,
  'json-schema-2020-12-preservation': echoSchema,
}
