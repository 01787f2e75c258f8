// A client for the scenarios of the official suite, in a process of its own: `node client.fixture.js URL`. The suite names the
// scenario, and the revision, in the environment. What it can do is the SDK's; every request goes through an agent. Servers that
// ask for OAuth get its requests as they are; in front of the others stands a gateway, for which it must sign each.
import {
  Client,
  type ClientCapabilities,
  SdkError,
  SdkErrorCode,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { siteAgent } from '../site-agent.fixture.js'
import { gatewayTo } from './gateway.fixture.js'
import { oauthUser, type Registered, withConsent } from './oauth-user.fixture.js'

const { MCP_CONFORMANCE_SCENARIO: scenario = '', MCP_CONFORMANCE_PROTOCOL_VERSION: version = '2025-11-25' } =
  process.env
const context: { readonly toolCalls?: readonly ToolCall[] } & Registered = JSON.parse(
  process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}',
)
const server = new URL(process.argv[2] ?? '')

interface ToolCall {
  readonly name: string
  readonly arguments: Record<string, unknown>
}

const agent = await siteAgent()
const isOAuth = scenario.startsWith('auth/')
const path = server.pathname as `/${string}`
const url = isOAuth ? server : new URL(path, (await gatewayTo(server.origin, { path, level: 'identified' })).url)
const user = oauthUser(scenario, context)
const mode = version < '2026' ? 'legacy' : { pin: version }

const capabilities: ClientCapabilities = { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} }
const client = new Client(
  { name: 'countersign-official', version: '1.0.0' },
  { capabilities, versionNegotiation: { mode } },
)
client.setRequestHandler('elicitation/create', ({ params }) => {
  const isQuestion = 'requestedSchema' in params && 'confirmed' in params.requestedSchema.properties
  return { action: 'accept', content: isQuestion ? { confirmed: true } : {} }
})
client.setRequestHandler('sampling/createMessage', () => ({
  ...{ role: 'assistant' as const, model: 'none' },
  content: { type: 'text' as const, text: 'Hello' },
}))
client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///work', name: 'work' }] }))

let transport: StreamableHTTPClientTransport

/** Runs what the user may have to agree to first. */
function asking<T>(run: () => Promise<T>): Promise<T> {
  return withConsent(user, answer => transport.finishAuth(answer), run)
}

async function connect(): Promise<void> {
  await asking(async () => {
    transport = new StreamableHTTPClientTransport(url, { fetch: agent.fetch, authProvider: user.provider })
    await client.connect(transport)
  })
}

/** Arguments that a tool takes, as far as its schema tells. */
function argumentsFor(schema: { readonly properties?: object | undefined }): Record<string, unknown> {
  const properties: Array<[string, { readonly type?: unknown }]> = Object.entries(schema.properties ?? {})
  return Object.fromEntries(properties.map(([name, { type }]) => [name, type === 'number' ? 5 : 'north']))
}

/** Lists the tools, and calls each once. */
async function callAll(): Promise<void> {
  const { tools } = await asking(() => client.listTools())
  for (const { name, inputSchema } of tools)
    await asking(() => client.callTool({ name, arguments: argumentsFor(inputSchema) }))
}

/** As above, and the last answer is of no known type: the SDK takes that for no answer at all. */
async function callUnfinished(): Promise<void> {
  await callAll().catch(error => {
    if (!(error instanceof SdkError) || error.code !== SdkErrorCode.InvalidResult) throw error
  })
}

async function useEverything(): Promise<void> {
  await callAll()
  for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri })
  for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name })
}

async function callAsTold(): Promise<void> {
  await client.listTools()
  for (const call of context.toolCalls ?? []) await client.callTool(call)
}

async function echoSchema(): Promise<void> {
  const { tools } = await client.listTools()
  const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema
  await client.callTool({ name: 'json_schema_echo', arguments: { schema } })
}

/** What the other scenarios ask for: no more than the tools. */
const others: Readonly<Record<string, () => Promise<unknown>>> = {
  initialize: () => client.listTools(),
  'request-metadata': () => client.listTools(),
  'sep-2322-client-request-state': callUnfinished,
  'http-standard-headers': useEverything,
  'http-custom-headers': callAsTold,
  'json-schema-ref-no-deref': () => client.listTools(),
  'json-schema-2020-12-preservation': echoSchema,
}

await connect()
await (others[scenario] ?? callAll)()
await client.close()
// The site of the agent's identity would keep the process.
process.exit(0)
